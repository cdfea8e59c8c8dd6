/* SPDX-License-Identifier: ISC */
/*
 * treatment - what the rules had us do with the message of a transaction,
 * should it be taken: held, sent elsewhere, copied, filtered, thrown away,
 * header lines put on top.
 */
#ifndef SMTPD_TREATMENT_H
#define SMTPD_TREATMENT_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/intake.h"

#include <stdbool.h>

#define TREATMENT_PREPEND_MAX (64 * 1024)
#define TREATMENT_BCC_MAX     (64 * 1024)

struct treatment {
	bool is_discarded;
	bool is_held;
	struct buf redirect; /* one address */
	struct buf bcc;      /* addresses, each with an LF behind it */
	struct buf filter;   /* "transport:nexthop" */
	struct buf prepend;  /* header lines */
};

void treatment_init(struct treatment *t);
void treatment_done(struct treatment *t);

/* Set to `text`, or add `text` as a line, once.  False: no room. */
bool treatment_set(struct buf *b, struct str text);
bool treatment_add(struct buf *b, struct str text);

/* The header lines, before the client's content ... */
void treatment_begin(const struct treatment *t, struct intake *intake);
/* ... and the rest, behind it. */
void treatment_end(const struct treatment *t, struct intake *intake);

#endif
