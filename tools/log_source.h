/* SPDX-License-Identifier: ISC */
/*
 * log_source - where the lines of a log come from, read as often as wanted:
 * files, compressed or not, and what came by a pipe, which is kept in a file
 * without a name.
 */
#ifndef TOOLS_LOG_SOURCE_H
#define TOOLS_LOG_SOURCE_H

#include "base/buf.h"

#include <stdbool.h>

/* What is longer is cut: no line of ours or Postfix's is. */
#define LOG_SOURCE_LINE 16384

struct log_source;

/* One file; "-" is standard input.  0 or -errno. */
int log_source_add(struct log_source *s, const char *path);

/*
 * A log and what was rotated away from it ("NAME.1", "NAME.2.gz",
 * "NAME-20261124.gz"), oldest first.  The count of files or -errno;
 * `warn` gets each that cannot be read, and why.
 */
int log_source_add_rotated(struct log_source *s, const char *path,
    void (*warn)(const char *path, int error));

/* The journal's lines of the facility mail.  0 or -errno; -ENOENT: there is
 * no journalctl(1). */
int log_source_add_journal(struct log_source *s);

struct log_source *log_source_new(void);
void log_source_free(struct log_source **s);

/* All lines, without their LF, of all files in turn.  0 or -errno with the
 * name of the file; a damaged .gz is -EBADMSG. */
int log_source_each(struct log_source *s,
    void (*each)(void *arg, struct str line), void *arg, const char **ret_path);

#endif
