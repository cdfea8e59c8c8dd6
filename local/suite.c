/* SPDX-License-Identifier: ISC */
/*
 * suite - lookup and mda as the world.  Owns the conversations with mda's
 * children that read: each is kept until the child leaves, which it does
 * when it has had nothing to do for a while.
 */
#include "suite.h"

#include "base/log.h"
#include "mail/proto/home.h"
#include "mail/proto/spawn.h"

#include <errno.h>
#include <stdlib.h>

#define READERS_MAX   128
#define READ_DEADLINE (30 * CLOCK_SEC)

/* A conversation with one child: all it serves is one user below one root. */
struct reader {
	TAILQ_ENTRY(reader) all; /* the one used last is the first */
	struct suite *suite;
	struct chan *chan; /* NULL: it has left */
	unsigned users;    /* tasks that wait for it */
	uid_t uid;
	gid_t gid;
	char root[]; /* a C string */
};

struct suite {
	struct link *lookup, *mda;
	TAILQ_HEAD(, reader) readers;
	size_t nreaders;
};

static void
forget_reader(struct reader *r)
{
	struct suite *s = r->suite;

	if (r->chan != NULL) {
		TAILQ_REMOVE(&s->readers, r, all);
		s->nreaders--;
		chan_close(&r->chan);
	}
	if (r->users == 0)
		free(r);
}

static void
reader_left(struct chan *c, const char *why, void *arg)
{
	(void)c;
	(void)why;
	forget_reader(arg);
}

static void
drop_oldest(struct suite *s)
{
	struct reader *r, *oldest = NULL;

	TAILQ_FOREACH (r, &s->readers, all)
		if (r->users == 0)
			oldest = r;
	/* The first one is about to be used. */
	if (oldest != NULL && oldest != TAILQ_FIRST(&s->readers))
		forget_reader(oldest);
}

static struct reader *
add_reader(struct suite *s, int fd, const struct world_file *f)
{
	static const struct chan_events events = {.on_close = reader_left};
	struct reader *r = calloc(1, sizeof(*r) + f->root.len + 1);

	if (r == NULL)
		log_fatal("out of memory for a reader");
	r->suite = s;
	r->uid = f->uid;
	r->gid = f->gid;
	memcpy(r->root, f->root.p, f->root.len);
	r->chan = chan_new(fd, &home_protocol, &events, r);
	TAILQ_INSERT_HEAD(&s->readers, r, all);
	if (++s->nreaders > READERS_MAX)
		drop_oldest(s);
	return r;
}

static struct reader *
find_reader(struct suite *s, const struct world_file *f)
{
	struct reader *r;

	TAILQ_FOREACH (r, &s->readers, all)
		if (r->uid == f->uid && r->gid == f->gid &&
		    str_eq(str_c(r->root), f->root))
			break;
	if (r == NULL)
		return NULL;
	TAILQ_REMOVE(&s->readers, r, all);
	TAILQ_INSERT_HEAD(&s->readers, r, all);
	return r;
}

/* A new child of mda's; NULL with *ret_why. */
static struct reader *
spawn_reader(struct suite *s, const struct world_file *f, struct str *ret_why)
{
	const struct spawn_ask ask = {
	    .role = SPAWN_READER,
	    .uid = f->uid,
	    .gid = f->gid,
	    .root = f->root,
	    .user = f->user,
	};
	const struct spawn_given *given;
	struct reader *r = NULL;
	struct parcel answer;
	int fd;

	*ret_why = STR("nobody can read it now");
	if (link_call(s->mda, SPAWN_ASK, &ask, NULL, 0, &answer,
		clock_after(READ_DEADLINE)) != 0)
		return NULL;
	given = answer.value;
	fd = answer.kind == SPAWN_GIVEN && given->error == 0
	         ? parcel_take_fd(&answer, 0)
	         : -1;
	if (fd >= 0)
		r = add_reader(s, fd, f);
	else if (answer.kind == SPAWN_GIVEN && given->error != 0)
		*ret_why = str_c(strerrordesc_np((int)given->error));
	parcel_done(&answer);
	return r;
}

/* false: the child has left before it answered. */
static bool
ask_reader(struct reader *r, const struct world_file *f, struct arena *a,
    enum find *ret, struct str *ret_text, struct str *ret_why)
{
	const struct home_read read = {
	    .path = f->path,
	    .owner = f->any_owner ? HOME_ANY_OWNER : f->uid,
	    .check_dir = f->check_dir,
	};
	const struct home_text *text;
	struct parcel answer;
	int e;

	r->users++;
	e = chan_call(r->chan, HOME_READ, &read, NULL, 0, &answer,
	    clock_after(READ_DEADLINE));
	r->users--;
	if (r->chan == NULL)
		forget_reader(r);
	*ret = FIND_RETRY;
	*ret_why = e == -ETIMEDOUT ? STR("nobody answered in time")
	                           : STR("who was to read it has left");
	if (e != 0)
		return e == -ETIMEDOUT;
	text = answer.value;
	if (answer.kind == HOME_TEXT) {
		*ret = (enum find)text->find;
		*ret_text = arena_str(a, text->text);
		*ret_why = arena_str(a, text->why);
	}
	parcel_done(&answer);
	return true;
}

static enum find
read_file(void *arg, const struct world_file *f, struct arena *a,
    struct str *ret_text, struct str *ret_why)
{
	struct suite *s = arg;
	enum find found = FIND_RETRY;

	/* A child that was kept may be about to leave: one more try. */
	for (int round = 0; round < 2; round++) {
		struct reader *r = find_reader(s, f);

		if (r == NULL)
			r = spawn_reader(s, f, ret_why);
		if (r == NULL)
			return FIND_RETRY;
		if (ask_reader(r, f, a, &found, ret_text, ret_why))
			break;
	}
	return found;
}

static enum find
find_user(void *arg, struct str name, struct arena *a, struct ask_user *ret)
{
	struct suite *s = arg;

	return ask_user(s->lookup, name, a, ret);
}

static enum find
find_group(void *arg, struct str name, struct arena *a, gid_t *ret)
{
	struct suite *s = arg;

	return ask_group(s->lookup, name, a, ret);
}

struct suite *
suite_new(struct serve *sv, struct link *lookup)
{
	struct suite *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for conversations");
	TAILQ_INIT(&s->readers);
	s->lookup = lookup;
	s->mda = link_new(sv, "mda", &spawn_protocol, NULL, NULL);
	return s;
}

struct world
suite_world(struct suite *s)
{
	return (struct world){
	    .user = find_user,
	    .group = find_group,
	    .read = read_file,
	    .arg = s,
	};
}
