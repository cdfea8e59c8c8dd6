/* SPDX-License-Identifier: ISC */
/*
 * log - lines for the administrator, in the grammar of Postfix.
 *
 * A line is "TAG[PID]: BODY", where TAG is $syslog_name/PROGRAM.  Nothing
 * here ever waits: a line that the target does not take at once goes into a
 * ring of LOG_RING bytes, is tried again at the next line and by log_flush(),
 * and what does not fit is counted and the count is logged.  Control bytes
 * (below 0x20 but HT, and 0x7f) and bytes that are not UTF-8 come out as '?',
 * so that one call is one line whatever a client sent.  A line is at most
 * LOG_LINE_MAX bytes; the rest is cut.
 *
 * Until log_open_*() lines go to stderr: "PROGRAM: BODY".
 *
 * Programs log, libraries return reasons.  One event is one line, written at
 * the frame that knows the queue id.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

#include <stdbool.h>

#define LOG_LINE_MAX 2048
#define LOG_RING     (256 * 1024)

enum log_target {
	LOG_TARGET_STDERR, /* "program: body", for the tools */
	LOG_TARGET_SYSLOG, /* a connected datagram socket, RFC 3164 framing */
	LOG_TARGET_FILE,   /* a file, pipe, terminal or stream socket: timestamp
	                      and host in front */
};

void log_init(const char *program);    /* tag "program", to stderr */
void log_name(struct str syslog_name); /* tag becomes "syslog_name/program" */
void log_host(struct str hostname);    /* for LOG_TARGET_FILE */
void log_facility(int facility);       /* LOG_MAIL of syslog.h is the default */
void log_open(enum log_target target, int fd); /* takes the descriptor */
bool log_lost(void); /* the target's socket is gone: ask for a new one */
void log_flush(void);

/*
 * From here on the lines of a turn of the loop leave together, at its end: for
 * programs on the loop.  A forked child is back to a line at a time.
 */
void log_gather(void);

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * As log_info, with the tag of another program of the suite: qmgr writes the
 * delivery lines of all agents ("postfix/local[PID]: ...", program "local").  A
 * name with a '/' in it is the whole tag.
 */
void log_info_as(const char *program, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs, flushes, exits 1: out of memory, a sandbox that cannot be entered. */
void log_fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
