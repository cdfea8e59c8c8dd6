/* SPDX-License-Identifier: ISC */
/*
 * decide - what becomes of one recipient of this host: the state of one
 * decision, which aliases, users and their .forward files share, and the two
 * entries, one a transport.
 *
 * Functions that return bool: false means that the decision has ended with an
 * outcome (which is set); true, go on.
 */
#ifndef LOCAL_DECIDE_H
#define LOCAL_DECIDE_H

#include "answer.h"
#include "site.h"
#include "targets.h"

#define DECIDE_ARENA    (8 * 1024 * 1024)
#define DECIDE_STEPS    50          /* from alias to alias */
#define DECIDE_FORWARDS 100         /* targets of a user's .forward */
#define DECIDE_INCLUDES 10          /* files in files */
#define DECIDE_MEMBERS  TARGETS_MAX /* of an alias, includes and all */

struct decide {
	struct site *site;
	const struct expand_ask *ask;
	struct arena *a;
	struct answer answer;

	struct addr addr;       /* who it is now: aliases lead on */
	struct str local, user; /* of it: lower case, with and without ... */
	struct str extension;   /* ... the extension */
	struct str sender;      /* perhaps the owner of an alias ... */
	bool is_list;           /* ... which is a mailing list then */
	struct str seen[DECIDE_STEPS];
	size_t steps;
	size_t targets; /* taken in so far, all files and aliases */
};

/* Who names targets, and with whose rights they are carried out. */
struct naming {
	enum origin origin;
	const struct ask_user *as; /* NULL: default_privs */
	struct str self;   /* who means himself by this name; empty: nobody */
	bool self_is_user; /* ... and is past his .forward */
	bool addresses_only;
	unsigned includes; /* files in files so far */
	size_t max;        /* targets */
};

/* Fills *ret; all in `a` (DECIDE_ARENA).  May wait. */
void decide_local(struct site *s, const struct expand_ask *ask, struct arena *a,
    struct expand_answer *ret);
void decide_virtual(struct site *s, const struct expand_ask *ask,
    struct arena *a, struct expand_answer *ret);

/* Is the recipient marked as been here?  "mail forwarding loop". */
bool decide_no_loop(struct decide *d);

/* alias.c: *ret_found: there is such an alias, and its targets are in the
 * answer. */
bool alias_expand(struct decide *d, bool *ret_found);

/* collect.c: put targets into the answer. */
bool collect_targets(
    struct decide *d, const struct naming *n, const struct targets *t);

/* user.c */
enum find user_find(struct decide *d, struct str name, struct ask_user *ret);
/* The user of d->user: by his .forward, or into his mailbox. */
bool user_deliver(struct decide *d);
bool user_add_mailbox(struct decide *d, const struct ask_user *user);
/* $home, $user, $extension ... in `text`; false: one is not defined. */
bool user_expand(struct decide *d, const struct ask_user *user, struct str text,
    struct str *ret);
bool user_set_command(struct decide *d, const struct ask_user *user,
    struct str command, struct action *action);
/* With whose rights aliases' commands and files are. */
bool user_default(struct decide *d, struct ask_user *ret);

/* forward.c: *ret_found: a .forward with targets, which are in the answer. */
bool forward_expand(
    struct decide *d, const struct ask_user *user, bool *ret_found);

#endif
