/* SPDX-License-Identifier: ISC */
/*
 * notice - who is to be told what became of a message, and the one
 * notification at a time that is on its way: made by bounce, taken in by the
 * same record that says for the message that it was told (doc/queue.md C7,
 * C8).
 *
 *	failure   to the sender, where NOTIFY of RFC 3461 lets him hear of it;
 *	          a failed notification to the postmaster, if he wants it
 *	success   to the sender who asked for it
 *	delay     after delay_warning_time, once
 *
 * What is not told yet stays with the message, across a restart too; a
 * notification that could not be made is due again at the next attempt, which
 * then comes as soon as after trouble of our own.  However many are due at
 * once, some are made at a time, and fewer where the journal is filling up:
 * each is a message that has to find room there.
 */
#ifndef QMGR_NOTICE_H
#define QMGR_NOTICE_H

#include "base/buf.h"
#include "mail/proto/job.h"
#include "mail/queue/entry.h"
#include "message.h"

#include <stdbool.h>
#include <sys/queue.h>

struct qmgr;
struct notice;
STAILQ_HEAD(notice_list, notice);

/* Those that are due and not made yet. */
struct notices {
	struct notice_list waiting;
	size_t nwaiting, sent;
};

/* Is anyone to be told of this outcome, which is final? */
bool notice_is_wanted(const struct qmgr *q, const struct message *m,
    uint64_t index, const struct outcome *o);

/* Is a notification due that was not tried in this attempt, of what is final;
 * of a delay? */
bool notice_is_due(const struct message *m, enum bounce_about *ret);
bool notice_is_delay_due(const struct qmgr *q, const struct message *m);

/* None of its recipients is open: ends by message_close(m, 1). */
void notice_start(struct qmgr *q, struct message *m, enum bounce_about about);
/* At the end of a turn: those for which there is room go to bounce. */
void notice_send(struct qmgr *q);

/*
 * A taker brings a notification of `m`: what its record says about `m`, with
 * room in `done`.  Once a notification: false, none is being made.
 */
bool notice_claim(struct message *m, struct buf *done, struct entry_marks *ret);

#endif
