/* SPDX-License-Identifier: ISC */
/* work - the conversation of a child that takes jobs (proto/job). */
#ifndef MDA_WORK_H
#define MDA_WORK_H

#include "job.h"

#include <stdbool.h>

/*
 * Takes the descriptor; returns when the child is to end.  take() gets each
 * delivery as it comes, and may not wait.
 */
void work_run(int fd, void (*take)(struct delivery *d));

/* False: who asked has left, and asks another child for what he did not hear
 * of.  What was not begun is not to be. */
bool work_is_asked(void);

#endif
