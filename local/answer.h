/* SPDX-License-Identifier: ISC */
/*
 * answer - what becomes of a recipient, as it is put together: deliveries
 * and addresses are added one by one; then one delivery alone is an action,
 * and anything else a child message (mail/proto/expand.h).
 */
#ifndef LOCAL_ANSWER_H
#define LOCAL_ANSWER_H

#include "base/map.h"
#include "mail/addr.h"
#include "mail/outcome.h"
#include "mail/proto/expand.h"

#include <stdbool.h>
#include <stddef.h>

struct answer {
	struct arena *a;
	struct expand_answer value;
	struct recipient *list; /* of the child */
	size_t n, cap;
	struct map known;       /* of them: no one twice */
	bool is_discarded;      /* a target was /dev/null */
	struct outcome refused; /* the first target that cannot be; state 0 */
};

void answer_init(struct answer *w, struct arena *a);
void answer_done(struct answer *w); /* value stays: it lies in the arena */

/* What is told of all that is found; twice the same is once. */
void answer_add_action(struct answer *w, const struct action *action,
    struct str address, const struct recipient *parent);
void answer_add_address(
    struct answer *w, struct addr addr, const struct recipient *parent);

/* The end of it, with a DSN code that says of which kind: always false. */
bool answer_outcome(struct answer *w, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A target that cannot be, perhaps among others that can: kept in `refused`.
 * Always true: go on. */
bool answer_refuse(struct answer *w, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
