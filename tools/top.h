/* SPDX-License-Identifier: ISC */
/*
 * top - what the files of `valija top` share: qmgr's last word, the last
 * listing, and what is selected.
 */
#ifndef TOOLS_TOP_H
#define TOOLS_TOP_H

#include "bar.h"
#include "base/buf.h"
#include "base/task.h"
#include "inquiry.h"
#include "sites.h"
#include "top_view.h"

#define TOP_MESSAGES_MAX 1000 /* of one destination, shown */
#define TOP_NAME_MAX     2048

enum top_action {
	TOP_HOLD,
	TOP_RELEASE,
	TOP_FLUSH,
	TOP_FLUSH_ALL,
	TOP_NOTHING,
};

/* What one pass over the queue found. */
struct top_listing {
	struct sites sites;
	struct arena arena; /* of the messages */
	struct top_message *messages;
	size_t n;
};

struct top {
	const struct conf *conf;
	struct chan *chan;   /* NULL: qmgr is not there */
	struct parcel state; /* its last ADMIN_STATE */
	struct buf why;      /* why there is none */

	struct bar *bar; /* while it lists; NULL: the screen is in use */
	struct top_listing *listing;
	struct task_queue list_now; /* where the lister sleeps */
	bool is_stale;              /* another listing is wanted soon */

	struct buf site;       /* whose messages are shown; empty: none's */
	struct buf selected;   /* "transport:name", or an id */
	size_t place;          /* where that was last seen */
	enum top_action asked; /* waits for "y" */
	struct buf said;       /* the last line */
	bool is_over;
};

/* Qmgr's state anew: 0 or -errno with ->why. */
int top_refresh(struct top *t);
const struct admin_state *top_state(const struct top *t); /* NULL: none */

/* The queue, once; NULL with ->why.  Waits. */
struct top_listing *top_list(struct top *t);
void top_listing_free(struct top_listing **l);
void top_list_soon(struct top *t); /* the one there is, is old */

/*
 * Do it to the message `id`, or with an empty one to all that have a
 * recipient at `site`; say in ->said what was done.  Waits.
 */
void top_act(
    struct top *t, enum top_action action, struct str id, struct str site);
const char *top_action_name(enum top_action action);

/* On the terminal, until the user has enough. */
void top_screen(struct top *t, int64_t pause);

#endif
