/* SPDX-License-Identifier: ISC */
/*
 * children - mda is asked in the task that opens the talk.  When mda has no
 * room for one more child the one that is idle longest is let go, and mda is
 * asked again.
 */
#include "children.h"

#include "qmgr.h"

#include "base/log.h"
#include "mail/ask.h"
#include "mail/proto/job.h"
#include "mail/proto/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHILDREN_IDLE  (4 * CLOCK_SEC) /* mda's own bound is a second more */
#define SPAWN_DEADLINE (30 * CLOCK_SEC)
#define ROOM_TRIES     100
#define ROOM_PAUSE     (100 * CLOCK_MS)

struct child {
	TAILQ_ENTRY(child) link;
	struct qmgr *qmgr;
	struct talk *talk;
	struct chan *chan;
	struct spawn_ask ask; /* strs into text */
	char text[];          /* root, user */
};

static uint64_t
role_of(const struct action *a)
{
	return a->kind == ACTION_COMMAND ? SPAWN_COMMAND : SPAWN_DELIVER;
}

/*
 * Whose groups and environment a command has, and whose file may be locked by
 * others: who waits for that holds up nobody else.  A Maildir is the uid's.
 */
static struct str
user_of(const struct action *a)
{
	return a->kind == ACTION_MAILDIR ? STR_NONE : a->user;
}

static bool
is_for(const struct child *c, const struct action *a)
{
	return c->ask.role == role_of(a) && c->ask.uid == a->uid &&
	       c->ask.gid == a->gid && c->ask.mail_gid == a->mail_gid &&
	       str_eq(c->ask.root, a->root) && str_eq(c->ask.user, user_of(a));
}

static void
let_go(struct child *c)
{
	TAILQ_REMOVE(&c->qmgr->children, c, link);
	talk_free(&c->talk); /* idle: closes the conversation */
	free(c);
}

/* True when one was there to let go. */
static bool
let_one_go(struct qmgr *q)
{
	struct child *c, *oldest = NULL;

	TAILQ_FOREACH (c, &q->children, link)
		if (talk_is_up(c->talk) && talk_idle_since(c->talk) > 0 &&
		    (oldest == NULL || talk_idle_since(c->talk) <
					   talk_idle_since(oldest->talk)))
			oldest = c;
	if (oldest != NULL)
		let_go(oldest);
	return oldest != NULL;
}

/* A user's command runs with his groups; what cannot be asked waits. */
static int
add_groups(struct qmgr *q, struct spawn_ask *ask, struct arena *a)
{
	struct ask_groups groups;
	struct spawn_group *list;

	if (ask->role != SPAWN_COMMAND || str_is_empty(ask->user))
		return 0;
	switch (ask_groups(q->lookup, ask->user, a, &groups)) {
	case FIND_YES:
		break;
	case FIND_NO:
		return 0;
	case FIND_RETRY:
	case FIND_BROKEN:
		return -EIO;
	}
	list = arena_array(a, groups.n, sizeof(*list));
	for (size_t i = 0; i < groups.n; i++)
		list[i].gid = groups.gids[i];
	ask->groups = (struct rows){list, groups.n};
	return 0;
}

/* A descriptor of the new child's, or -errno. */
static int
spawn(struct qmgr *q, const struct spawn_ask *plain)
{
	ARENA_CLEANUP struct arena a = {0};
	struct spawn_ask ask = *plain;
	const struct spawn_given *given;
	struct parcel answer;
	int fd, r;

	arena_init(&a, ASK_ROOM);
	r = add_groups(q, &ask, &a);
	if (r == 0)
		r = link_call(q->mda, SPAWN_ASK, &ask, NULL, 0, &answer,
		    clock_after(SPAWN_DEADLINE));
	if (r < 0)
		return r;
	given = answer.value;
	if (answer.kind != SPAWN_GIVEN)
		fd = -EPROTO;
	else if (given->error != 0)
		fd = -(int)given->error;
	else
		fd = parcel_take_fd(&answer, 0);
	parcel_done(&answer);
	return fd;
}

static struct chan *
open_child(struct talk *t, void *arg)
{
	struct child *c = arg;
	int fd = spawn(c->qmgr, &c->ask);

	for (int i = 0; fd == -EAGAIN && i < ROOM_TRIES; i++) {
		if (!let_one_go(c->qmgr))
			task_sleep(clock_after(ROOM_PAUSE));
		fd = spawn(c->qmgr, &c->ask);
	}
	if (fd < 0) {
		log_warning("mda gave no process for uid %llu: %s",
		    (unsigned long long)c->ask.uid, strerror(-fd));
		return NULL;
	}
	c->chan = chan_new(fd, &job_protocol, &talk_events, t);
	return c->chan;
}

static void
close_child(struct talk *t, void *arg)
{
	struct child *c = arg;

	(void)t;
	chan_close(&c->chan);
}

static struct child *
new_child(struct qmgr *q, const struct action *a)
{
	struct str user = user_of(a);
	struct child *c = calloc(1, sizeof(*c) + a->root.len + user.len);
	struct talk_way way = {
	    .open = open_child, .close = close_child, .arg = c};

	if (c == NULL)
		log_fatal("out of memory for a child of mda");
	memcpy(c->text, a->root.p, a->root.len);
	memcpy(c->text + a->root.len, user.p, user.len);
	c->qmgr = q;
	c->ask = (struct spawn_ask){
	    .role = role_of(a),
	    .uid = a->uid,
	    .gid = a->gid,
	    .mail_gid = a->mail_gid,
	    .root = str_n(c->text, a->root.len),
	    .user = str_n(c->text + a->root.len, user.len),
	};
	c->talk = talk_new(&way);
	TAILQ_INSERT_TAIL(&q->children, c, link);
	return c;
}

struct talk *
children_get(struct qmgr *q, const struct action *a)
{
	struct child *c;

	TAILQ_FOREACH (c, &q->children, link)
		if (is_for(c, a))
			return c->talk;
	return new_child(q, a)->talk;
}

void
children_tend(struct qmgr *q)
{
	int64_t now = clock_mono();
	struct child *c, *next;

	TAILQ_FOREACH_SAFE (c, &q->children, link, next)
		if (talk_idle_since(c->talk) > 0 &&
		    now - talk_idle_since(c->talk) > CHILDREN_IDLE)
			let_go(c);
}
