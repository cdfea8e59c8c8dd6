/* SPDX-License-Identifier: ISC */
/*
 * master_cf - the services of master.cf.
 *
 * A line is: name, type, private, unprivileged, chroot, wakeup, limit of
 * processes, command and its arguments.  Every column but the first two and
 * the command may be "-".  Settings come as "-o name=value", "-oname=value"
 * or "-o { name = value }", after which the value may hold blanks.
 *
 * Commands are those of Postfix.  Some are programs here; the work of others
 * is done inside other programs, to which their settings then go; the rest
 * does not exist yet, and says so.  private, unprivileged, chroot and wakeup
 * are read and shown and have no effect: every program here is as private,
 * unprivileged and shut in as it can be, and none has to be woken up.
 *
 * What the suite always needs (qmgr, pickup, the transports local, smtp,
 * virtual ..., and dns, lookup and mda, which Postfix does not have) is there
 * also when the file does not name it, then with line 0.
 */
#ifndef MAIL_MASTER_CF_H
#define MAIL_MASTER_CF_H

#include "mail/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define MASTER_SERVICES_MAX 500

/* How a command of master.cf is met. */
enum master_kind {
	MASTER_PROGRAM, /* there is a program */
	MASTER_INSIDE,  /* other programs do its work */
	MASTER_MISSING, /* nothing does */
};

struct master_command {
	const char *name; /* "smtpd" */
	enum master_kind kind;
	unsigned users;   /* enum param_user: the program, or the others */
	const char *text; /* who does the work, or what to use instead */
};

/* NULL: not a command of Postfix's or ours. */
const struct master_command *master_command_find(struct str name);
const char *master_command_suggest(struct str name); /* NULL: none is near */

struct master_service {
	struct str name;       /* "smtp", "127.0.0.1:2525", "relay" */
	struct str type;       /* inet, unix, fifo, unix-dgram, pass */
	struct str columns[5]; /* as written: private ... processes */
	uint64_t processes;    /* 0: no limit */
	struct str command;    /* as written */
	const struct master_command *known;
	struct str *arguments; /* what is not -o */
	size_t narguments;
	struct conf_setting *settings;
	size_t nsettings;
	struct str file;
	unsigned line;
};

struct master_cf;

/*
 * Read `dir`/master.cf.  Remarks and NULL as for conf_read; a file that is
 * not there is an error.  `c` gives default_process_limit.
 */
struct master_cf *master_cf_read(
    const char *dir, const struct conf *c, conf_remark_fn say, void *arg);
/* As conf_read_anyway: without the lines that are wrong. */
struct master_cf *master_cf_read_anyway(
    const char *dir, const struct conf *c, conf_remark_fn say, void *arg);
bool master_cf_is_wrong(const struct master_cf *m);
struct master_cf *master_cf_from_text(struct str text, struct str file,
    uint64_t default_processes, conf_remark_fn say, void *arg);
void master_cf_free(struct master_cf **m);

size_t master_cf_count(const struct master_cf *m);
const struct master_service *master_cf_at(const struct master_cf *m, size_t i);

/* A service by name, of any type but inet and pass: a transport. */
const struct master_service *master_cf_find(
    const struct master_cf *m, struct str name);

/* How many processes somebody wrote that it may have; 0: nobody did.  (The
 * default is Postfix's, for processes, of which there are few here.) */
uint64_t master_cf_limit(const struct master_service *s, const struct conf *c);

/*
 * The configuration for a program that serves `s`: `c` with the settings of
 * the services whose work it does, then its own on top, and $service_name;
 * qmgr's has NAME_process_limit for each transport that has a limit.  Those of
 * the cleanup that cleanup_service_name names are in its conf_cleanup(): they
 * count for the message, and not for whom the program lets in.  NULL when one
 * of them was an error.
 */
struct conf *master_cf_conf(const struct master_cf *m,
    const struct master_service *s, const struct conf *c, conf_remark_fn say,
    void *arg);

/* What is odd: commands that do not exist yet, arguments without effect, -o
 * settings that are wrong or do not work; false when something was an error,
 * or was one to master_cf_read_anyway. */
bool master_cf_check(const struct master_cf *m, const struct conf *c,
    conf_remark_fn say, void *arg);

#endif
