/* SPDX-License-Identifier: ISC */
/* valija - what its files share: one command of the suite's administrator. */
#ifndef TOOLS_VALIJA_H
#define TOOLS_VALIJA_H

#include "mail/conf.h"

#include <stdbool.h>
#include <sys/types.h>

struct valija {
	const char *conf_dir;
	const char *program_dir; /* NULL: as installed */
	struct conf *conf;       /* NULL for `check` */
	int queue_fd;            /* -1: there is no such directory yet */
	int argc;                /* the command and what stands behind it */
	char **argv;
};

/* To the terminal and to the log, in the words of postfix-script. */
void valija_say(const struct valija *v, const char *text);
void valija_fatal(const struct valija *v, const char *text);
void valija_print_remark(void *arg, const struct conf_remark *r);

/* The pid of the master that runs; 0: none. */
pid_t valija_master(const struct valija *v);

/*
 * Where a suite is whose main.cf has an error: made from the few lines that
 * say so, so that it can still be stopped.  Never NULL.
 */
struct conf *valija_where(const char *conf_dir);

int valija_start(struct valija *v, bool is_foreground);
int valija_stop(struct valija *v);
int valija_reload(struct valija *v);
int valija_status(struct valija *v);
int valija_check(struct valija *v);
int valija_log(struct valija *v);
int valija_top(struct valija *v);
int valija_export(struct valija *v);
int valija_import(struct valija *v);
int valija_dovecot(struct valija *v);
int valija_user(struct valija *v);

/* Tables have changed: those who are told of it in place know when this
 * returns.  0 also when no suite runs. */
int valija_tell_tables(const struct valija *v);

#endif
