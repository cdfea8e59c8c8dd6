/* SPDX-License-Identifier: ISC */
/* results - recording what became of recipients (message_results()). */
#ifndef QMGR_RESULTS_H
#define QMGR_RESULTS_H

#include "message.h"

/* What found no room in the journal, once more. */
void results_retry(struct qmgr *q);

/* Wall clock: when what is deferred now is due again. */
int64_t results_next_attempt(const struct qmgr *q, const struct message *m);

#endif
