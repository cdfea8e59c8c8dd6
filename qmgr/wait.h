/* SPDX-License-Identifier: ISC */
/* wait - the messages that wait, the next one first: a heap by `due`. */
#ifndef QMGR_WAIT_H
#define QMGR_WAIT_H

#include "message.h"

void wait_add(struct qmgr *q, struct message *m, int64_t due);
void wait_del(struct qmgr *q, struct message *m);

#endif
