/* SPDX-License-Identifier: ISC */
/*
 * world - what local asks of others before it can decide: users and groups
 * of lookup, users' files of mda's children.  A table of calls, so that the
 * decisions can be tested without any of them.
 *
 * All calls may wait.  FIND_RETRY and FIND_BROKEN set *ret_why.
 */
#ifndef LOCAL_WORLD_H
#define LOCAL_WORLD_H

#include "base/arena.h"
#include "base/find.h"
#include "mail/ask.h"

#include <stdbool.h>

/* A file to be read by a child that is `uid`. */
struct world_file {
	uid_t uid;
	gid_t gid;
	struct str user;
	struct str root; /* the child reads below it */
	struct str path; /* absolute */
	bool check_dir;  /* nobody else may write to its directory either */
	bool any_owner;  /* else it must be the user's or root's */
};

struct world {
	enum find (*user)(
	    void *arg, struct str name, struct arena *a, struct ask_user *ret);
	enum find (*group)(
	    void *arg, struct str name, struct arena *a, gid_t *ret);
	/* FIND_BROKEN: there, and not safe to be followed. */
	enum find (*read)(void *arg, const struct world_file *f,
	    struct arena *a, struct str *ret_text, struct str *ret_why);
	void *arg;
};

#endif
