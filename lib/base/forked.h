/* SPDX-License-Identifier: ISC */
/*
 * forked - one computation in a child of its own: what takes long (a password
 * hash) or blocks (a module of PAM) while the loop goes on, and whose secrets
 * end with it.
 *
 * The child has all that this process has, and its sandbox; it computes, says
 * one byte and is gone.  The caller bounds how many there are.
 *
 *	r = forked_run(compare, &job, clock_after(5 * CLOCK_SEC));
 *	if (r == 1)
 *		...
 */
#ifndef BASE_FORKED_H
#define BASE_FORKED_H

#include <stdint.h>

/*
 * fn(arg) runs on the main stack of a child.  Waits, in a task, for what it
 * returned: 0 to 255; or -ETIMEDOUT or -ECANCELED, the child being killed
 * then, -EPIPE when it died, or why there was none.
 */
int forked_run(uint8_t (*fn)(void *arg), void *arg, int64_t deadline);

#endif
