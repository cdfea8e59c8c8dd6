/* SPDX-License-Identifier: ISC */
/*
 * drop - takes in what waits in maildrop/: at the start, and when the
 * directory changed.  One message at a time; one that cannot be taken now is
 * tried again later, one that never will be goes back to its sender, and what
 * is no message is removed.
 */
#ifndef PICKUP_DROP_H
#define PICKUP_DROP_H

#include "submission.h"

#define DROP_LOOK  (5 * CLOCK_SEC)  /* how often to see whether it changed */
#define DROP_RETRY (60 * CLOCK_SEC) /* with something left in it */

/* From now on, in a task of its own; keeps dir_fd, does not own it. */
void drop_open(const struct pickup *p, int dir_fd);

/* Ends with the message at hand; `idle` is called then. */
void drop_close(void (*idle)(void *arg), void *arg);

#endif
