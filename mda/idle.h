/* SPDX-License-Identifier: ISC */
/*
 * idle - when a child ends: its asker has left and nothing is open, or
 * nothing was asked for SPAWN_IDLE_SECONDS.  A child that stays on would hold
 * a user that is to be deleted, or a home that is to be unmounted.
 */
#ifndef MDA_IDLE_H
#define MDA_IDLE_H

void idle_init(void);  /* starts the task that stops the loop */
void idle_begin(void); /* a request came */
void idle_end(void);   /* ... and is answered */
void idle_leave(void); /* no more will come */

#endif
