/* SPDX-License-Identifier: ISC */
/*
 * pool - sessions that wait for their next message, for POOL_IDLE: found by
 * address and port, or path, and by the terms.
 */
#ifndef SMTP_POOL_H
#define SMTP_POOL_H

#include "session.h"

#include "base/task.h"

#include <stdbool.h>

#define POOL_IDLE (3 * CLOCK_SEC)
#define POOL_MAX  500

TAILQ_HEAD(session_list, session);

struct pool {
	struct session_list idle; /* the one kept longest is first */
	size_t n;
	bool is_swept;             /* a task is at it ... */
	struct task_queue sweeper; /* ... waiting here */
	bool is_closed;
};

void pool_init(struct pool *p);
void pool_close(struct pool *p); /* nothing is kept from here on; waits */

/* A session to go on with, or NULL. */
struct session *pool_take(
    struct pool *p, const struct target *to, const struct terms *terms);

/* Give a session back, to be kept, or closed where it cannot be used. */
void pool_put(struct pool *p, struct session **s);

#endif
