/* SPDX-License-Identifier: ISC */
/*
 * settings - what main.cf says to mda's children: read once by the parent,
 * who forks them.
 */
#ifndef MDA_SETTINGS_H
#define MDA_SETTINGS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* How a mailbox file is locked against others. */
struct lock_how {
	bool fcntl, dotlock, flock;
	int64_t attempts;
	int64_t delay; /* between two, ns */
};

struct settings {
	char hostname[256];  /* myhostname: in the names of Maildir files */
	char delimiters[16]; /* recipient_delimiter */
	struct lock_how local_lock, virtual_lock;
	int64_t command_time_limit; /* where a command's action says none, ns */
	bool command_no_new_privs;
	size_t commands_max; /* at a time for one recipient; 0: any */
};

/* Takes an encoded configuration: 0, or -EINVAL: not one. */
int settings_read(struct settings *ret, struct str config);

#endif
