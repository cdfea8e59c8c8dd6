/* SPDX-License-Identifier: ISC */
/* work - the conversation of a child that takes jobs (proto/job). */
#ifndef MDA_WORK_H
#define MDA_WORK_H

#include "job.h"

/*
 * Takes the descriptor; returns when the child is to end.  take() gets each
 * delivery as it comes, and may not wait.
 */
void work_run(int fd, void (*take)(struct delivery *d));

#endif
