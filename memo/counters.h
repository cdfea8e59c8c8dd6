/* SPDX-License-Identifier: ISC */
/*
 * counters - all that is counted, and the conversations by which it is told
 * and asked.
 */
#ifndef MEMO_COUNTERS_H
#define MEMO_COUNTERS_H

#include "sessions.h"
#include "statistics.h"
#include "windows.h"

struct counters {
	struct windows windows;
	struct sessions sessions;
	struct statistics statistics;
};

void counters_init(struct counters *c, int64_t unit);
void counters_done(struct counters *c); /* all conversations have ended */

/* Serve a client: takes the descriptor, lives as long as the conversation. */
void counters_serve(struct counters *c, int fd);

#endif
