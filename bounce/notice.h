/* SPDX-License-Identifier: ISC */
/*
 * notice - the text of a delivery status notification (RFC 3464) in a
 * multipart/report (RFC 6522): a part for people, one for programs, and the
 * message or its header.
 *
 *	struct notice n = {...};
 *	notice_thread(&n, header, &arena);
 *	notice_begin(&n, &out);     all before the returned message
 *	...                         the message, or its header
 *	notice_end(&n, &out);
 *
 * SECURITY: addresses, replies and reasons come from others.  None of them
 * can begin a line of its own here, end a part, or hold a control byte.
 */
#ifndef BOUNCE_NOTICE_H
#define BOUNCE_NOTICE_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/proto/job.h"
#include "template.h"

#include <stdbool.h>

#define NOTICE_MAX ((size_t)16 * 1024 * 1024)

struct notice {
	const struct job_bounce *job;
	const struct template *template; /* of what it is about */
	bool for_postmaster;             /* a copy: all reports, no text */
	struct str to;
	struct str id;            /* the notification's queue id */
	struct str hostname;      /* Reporting-MTA */
	struct str origin;        /* the domain of MAILER-DAEMON */
	int64_t now, retry_until; /* wall clock; until: of a delay */
	bool is_whole; /* the message comes back, not its header alone */
	struct str message_id, references; /* see notice_thread */
};

/* Does all of the message go back, of `size` bytes, or its header?  RET of
 * RFC 3461 has a say, and copies for a postmaster hold no one's mail. */
bool notice_is_whole(const struct job_bounce *job, bool for_postmaster,
    uint64_t size, uint64_t size_limit);

/* Finds what mail readers thread by in the original's header. */
void notice_thread(struct notice *n, struct str header, struct arena *a);

void notice_begin(const struct notice *n, struct buf *out);
void notice_end(const struct notice *n, struct buf *out);

/* "non-delivery", "delay", "delivery status": as the log has it. */
const char *notice_word(enum bounce_about about);

#endif
