/* SPDX-License-Identifier: ISC */
/*
 * bouncer - carries out qmgr's request for a notification: makes it, has it
 * queued in the same record that settles the parent's recipients, says what
 * became of it.
 */
#ifndef BOUNCE_BOUNCER_H
#define BOUNCE_BOUNCER_H

#include "base/arena.h"
#include "mail/content.h"
#include "mail/proto/job.h"
#include "mail/taker.h"
#include "mail/transcript.h"
#include "template.h"

struct bouncer {
	const struct conf *conf;
	struct taker *taker;
	struct templates templates;
	struct transcript_post post;
};

/*
 * Waits for the disk.  *ret says what became of it.
 * SENT: the notification is in the queue; DEFERRED: not now; BOUNCED: never
 * (nobody can be told).
 */
void bouncer_run(struct bouncer *b, const struct job_bounce *job,
    struct content *content, struct arena *a, struct outcome *ret);

#endif
