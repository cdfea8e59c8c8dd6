/* SPDX-License-Identifier: ISC */
/*
 * programs - what there is to start, as whom, and who may talk to whom.
 */
#ifndef MASTER_PROGRAMS_H
#define MASTER_PROGRAMS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define PROGRAMS 13

enum program_root {
	ROOT_EMPTY,    /* chroot to an empty directory */
	ROOT_QUEUE,    /* ... to the queue's */
	ROOT_MAILDROP, /* ... to maildrop/ */
	ROOT_ALL,      /* none */
};

/* When the suite stops, in which turn a program is told. */
enum program_turn {
	TURN_TAKERS,
	TURN_QUEUE,
	TURN_OTHERS,
	TURNS
};

struct program_row {
	const char *name; /* also its file's */
	const char *user; /* when the suite runs as root */
	unsigned users;   /* enum param_user: whose tables it is handed */
	enum program_root root;
	enum program_turn turn;
	const char *dir;     /* the directory it is handed, or NULL */
	bool is_on_demand;   /* started when somebody wants it */
	bool is_kept;        /* reconfigured in place, others are replaced */
	bool has_mail_group; /* the groups of mail_owner */
	bool is_stream;      /* its conversations are bytes, of somebody else's
	                        protocol */
	const char *group;   /* one more, where there is one of that name */
	unsigned keep_caps;
};

extern const struct program_row programs[PROGRAMS]; /* in order of start */

const struct program_row *program_find(struct str name); /* NULL: none */

/* SECURITY: no conversation comes about that is not in the table. */
bool program_may_talk(
    const struct program_row *client, const struct program_row *server);

#endif
