/* SPDX-License-Identifier: ISC */
/*
 * log_target - where a configuration sends the log: a file, standard output,
 * or syslog's socket.  For master, who hands the descriptor to the programs,
 * and for the tools.
 */
#ifndef MAIL_LOG_TARGET_H
#define MAIL_LOG_TARGET_H

#include "base/buf.h"
#include "base/log.h"
#include "mail/conf.h"

/* A descriptor or -errno with `why`; -ENOENT: nobody listens to syslog. */
int log_target_open(
    const struct conf *c, enum log_target *ret_target, struct buf *why);

/* What an inherited descriptor is open on, opened anew where that can be, so
 * that its flags are ours: nothing written to it waits.  Or -errno. */
int log_target_of(int fd);

bool log_target_is_facility(struct str name);  /* of syslog.conf(5): "mail" */
int log_target_facility(const struct conf *c); /* LOG_MAIL of syslog.h ... */

/* Name, host and facility of the lines of this process. */
void log_target_names(const struct conf *c);

#endif
