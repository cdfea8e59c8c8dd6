/* SPDX-License-Identifier: ISC */
/*
 * proto/trouble - a program that takes no mail in has bounce tell the
 * postmaster of trouble that it had.
 *
 *	smtp                                     bounce
 *	  TROUBLE_TELL                        ->
 *	                                      <- TROUBLE_TOLD (same exchange)
 *
 * TROUBLE_TOLD comes when the mail is in the queue, or cannot be, which bounce
 * has logged then.
 */
#ifndef MAIL_PROTO_TROUBLE_H
#define MAIL_PROTO_TROUBLE_H

#include "base/chan.h"
#include "base/clock.h"

#define TROUBLE_DEADLINE    (10 * CLOCK_SEC)
#define TROUBLE_SUBJECT_MAX 1000

enum trouble_kind {
	TROUBLE_TELL,
	TROUBLE_TOLD,
	TROUBLE_KINDS
};

struct trouble_tell {
	uint64_t about;        /* enum notice_class, as bits */
	struct str subject;    /* "SMTP client: errors from ..." */
	struct str transcript; /* lines ended by LF */
};
struct trouble_told {
	uint64_t unused;
};

extern const struct protocol trouble_protocol;

#endif
