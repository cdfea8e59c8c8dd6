/* SPDX-License-Identifier: ISC */
/*
 * expiry - what is not delivered in time comes back to its sender
 * (maximal_queue_lifetime, bounce_queue_lifetime).
 */
#ifndef QMGR_EXPIRY_H
#define QMGR_EXPIRY_H

#include "message.h"

/* An expiry needs so many attempts of this run: a clock that was wrong when
 * mail came, or at a start, ends none before a person can set it. */
#define EXPIRE_ATTEMPTS_MIN 3

/* Of an active message.  Never by trouble of our own, however long it lasts. */
bool expiry_is_due(const struct qmgr *q, const struct message *m);
void expiry_run(struct qmgr *q, struct message *m);

/* All that is left, whatever its age; false: nothing was. */
bool expiry_force(struct qmgr *q, struct message *m);

#endif
