/* SPDX-License-Identifier: ISC */
/*
 * courier - brings a letter to a server: finds the servers of the next hop,
 * tries them in order, keeps connections for the next letter.
 */
#ifndef SMTP_COURIER_H
#define SMTP_COURIER_H

#include "letter.h"
#include "own.h"
#include "pool.h"
#include "recall.h"
#include "settings.h"
#include "target.h"

#include "base/task.h"

struct courier {
	const struct settings *settings;
	struct link *dns, *lookup;
	struct link *bounce; /* NULL: postmasters hear of nothing */
	struct pool pool;
	struct aged *recall;
	struct own own;
	bool has_own, reads_own;
	struct task_queue own_read;
};

void courier_init(struct courier *c, const struct settings *settings,
    struct link *dns, struct link *lookup, struct link *bounce);

void courier_done(struct courier *c); /* when nothing is on its way */

/* Waits; every recipient of the letter has an outcome then.  The count of
 * sessions used that were open before. */
unsigned courier_deliver(struct courier *c, struct letter *l);

#endif
