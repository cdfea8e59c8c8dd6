/* SPDX-License-Identifier: ISC */
/*
 * transcript - what a peer and we said, for a postmaster who wants to know of
 * trouble (notify_classes; mail/notice_class.h): kept while a session has its
 * errors, sent at its end, from double_bounce_sender to
 * error_notice_recipient, or bounce_notice_recipient for mail that its class
 * is about.
 *
 * SECURITY: it is the peers who make most of the trouble: it has a bound, so
 * have the notices of a minute.
 */
#ifndef MAIL_TRANSCRIPT_H
#define MAIL_TRANSCRIPT_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/taker.h"

#include <stdint.h>

#define TRANSCRIPT_MAX       (8 * 1024) /* the oldest lines go */
#define TRANSCRIPT_LINE      500
#define TRANSCRIPTS_A_MINUTE 30

struct transcript {
	unsigned wanted;   /* enum notice_class, as bits */
	unsigned troubles; /* the same: what there was of it */
	struct buf lines;
};

/* `wanted`: notify_classes.  Nothing is kept when none is of a session. */
void transcript_init(struct transcript *t, unsigned wanted);
void transcript_done(struct transcript *t);

/* A line of the peer's, and one of ours, without its end. */
void transcript_in(struct transcript *t, struct str line);
void transcript_out(struct transcript *t, struct str line);

/* What is to be told of: classes that are wanted and that there were. */
unsigned transcript_about(const struct transcript *t);

/* All is well: what was said so far is of no use; else it is kept. */
void transcript_forget(struct transcript *t);

/* Who mails them, and how many he did. */
struct transcript_post {
	struct taker *taker;
	const struct conf *conf;
	int64_t since;
	size_t sent;
};

/*
 * The mail, once it is durable.  `about`: not 0; `subject`: one line.  What
 * cannot be sent is logged.
 */
void transcript_mail(struct transcript_post *post, unsigned about,
    struct str subject, struct str lines);
/* The same, of something else than a session: `text` is all of it. */
void transcript_notice(struct transcript_post *post, unsigned about,
    struct str subject, struct str text);

#endif
