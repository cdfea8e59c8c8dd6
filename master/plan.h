/* SPDX-License-Identifier: ISC */
/*
 * plan - which services a configuration asks for: a value made from main.cf
 * and master.cf, without touching anything but the two files.
 *
 * There are always qmgr, dns, lookup, keys, auth, local, mda, bounce and
 * pickup; each inet line of master.cf whose command is smtpd is a service, and
 * each unix line whose command is smtp.  A service of the same name as a
 * program (or "virtual", whose work local does) brings that program its
 * settings.
 */
#ifndef MASTER_PLAN_H
#define MASTER_PLAN_H

#include "programs.h"

#include "base/arena.h"
#include "base/shape.h"
#include "base/str.h"
#include "mail/conf.h"
#include "mail/master_cf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>

struct child;

/* What a file was when it was looked at. */
struct file_state {
	struct timespec mtime;
	dev_t dev;
	ino_t inode; /* 0: it was not there */
	off_t size;
};

/* A file of a table, or of keys. */
struct plan_file {
	struct str path;
	bool is_directory; /* handed out as one file: mail/authorities.h */
	struct file_state given; /* when it was handed out */
	struct file_state seen;  /* at the last look */
};

struct service {
	TAILQ_ENTRY(service) next;
	struct plan *plan;
	struct str name;
	const struct program_row *program;
	bool is_inet;      /* name is "host:port"; nobody links to it */
	struct str config; /* encoded, for its processes */
	struct str syslog_name;
	uint64_t limit; /* of processes; 0: none is said */
	struct plan_file *files;
	size_t nfiles;
	struct str *endpoints; /* that its processes may have dialled */
	size_t nendpoints;
	int *listeners; /* borrowed from listeners.c */
	size_t nlisteners;

	/* How it goes, while the plan is carried out (child.c). */
	struct child *current; /* ready, or NULL */
	struct child *coming;  /* started, not yet ready, or NULL */
	int64_t start_at;      /* not before */
	int64_t delay;         /* between the last two starts */
	bool is_shaky;         /* the last one lived for a moment only */
};

struct plan {
	struct arena arena;
	TAILQ_HEAD(, service) services;
	struct rows keyring; /* struct keys_service: keyring.h */
	struct conf *conf;
	uint64_t generation;
	unsigned refs; /* master, and each child of one of its services */
};

/* NULL when something was an error, which was said. */
struct plan *plan_read(const char *dir, conf_remark_fn say, void *arg);
struct plan *plan_make(
    struct conf *c, const struct master_cf *m, conf_remark_fn say, void *arg);
/* Nothing but the queue and what its owner asks. */
void plan_keep_queue(struct plan *p);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan **p);

/* Of keys: a text may name others than before.  What was named once stays. */
void plan_find_key_files(struct service *s);

/* Of those that can be linked to; NULL: none. */
struct service *plan_find(const struct plan *p, struct str name);
/* The one that does what `s`, of another plan, does; NULL: none. */
struct service *plan_find_like(const struct plan *p, const struct service *s);

#endif
