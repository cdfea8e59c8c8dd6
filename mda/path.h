/* SPDX-License-Identifier: ISC */
/*
 * path - names of files below a child's root, of which it holds a descriptor.
 * All calls return 0 or -errno (a descriptor or -errno where said).
 */
#ifndef MDA_PATH_H
#define MDA_PATH_H

#include "base/buf.h"

#include <sys/types.h>

#define PATH_MAX_BYTES 4095

/*
 * The part of `path` (relative to `root`, or absolute inside it) below the
 * root, without slashes around it; "." for the root itself.  -EXDEV: outside.
 */
int path_below(struct str root, struct str path, struct buf *ret);

/* As openat(2), never through a link of /proc.  A descriptor. */
int path_open(int dirfd, const char *path, int flags, mode_t mode);

/* The directory that holds `path`.  A descriptor. */
int path_open_parent(int dirfd, const char *path);

/* Make the directory and those above it that are missing, mode 0700, so that
 * they are there after a power cut as well. */
int path_make_dirs(int dirfd, const char *path);

#endif
