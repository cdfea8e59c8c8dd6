/* SPDX-License-Identifier: ISC */
/* work - the conversation of a child that takes jobs (proto/job). */
#ifndef MDA_WORK_H
#define MDA_WORK_H

#include "job.h"

/*
 * Takes the descriptor; returns when the child is to end.  take() gets each
 * delivery as it comes.  leave() is called once when who asked has left, who
 * asks another child for what he did not hear of: what was not begun is not to
 * be, but told as failed.  Neither may wait.
 */
void work_run(int fd, void (*take)(struct delivery *d), void (*leave)(void));

#endif
