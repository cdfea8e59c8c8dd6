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
#include "mail/envelope.h"
#include "mail/proto/job.h"

#include <stdbool.h>

/* More recipients than these are counted, not listed. */
#define NOTICE_LISTED_MAX 1000
#define NOTICE_MAX        ((size_t)16 * 1024 * 1024)

struct notice {
	enum bounce_about about;
	const struct envelope *envelope;
	const struct job_outcome *outcomes;
	size_t n;
	struct str id;            /* the notification's queue id */
	struct str hostname;      /* Reporting-MTA */
	struct str origin;        /* the domain of MAILER-DAEMON */
	int64_t now, retry_until; /* wall clock; until: of a delay */
	bool is_whole; /* the message comes back, not its header alone */
	struct str message_id, references; /* see notice_thread */
};

/* Does the sender get the message back, of `size` bytes, or the header? */
bool notice_is_whole(enum bounce_about about, const struct envelope *e,
    uint64_t size, uint64_t size_limit);

/* Finds what mail readers thread by in the original's header. */
void notice_thread(struct notice *n, struct str header, struct arena *a);

void notice_begin(const struct notice *n, struct buf *out);
void notice_end(const struct notice *n, struct buf *out);

/* "non-delivery", "delay", "delivery": as the log has it. */
const char *notice_word(enum bounce_about about);

#endif
