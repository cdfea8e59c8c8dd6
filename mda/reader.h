/* SPDX-License-Identifier: ISC */
/*
 * reader - the role that reads what a user wrote for us, a .forward or an
 * :include: list, as that user (proto/home).
 *
 * SECURITY: such a file says where mail goes and what is run, so it counts
 * only if nobody but its owner, or root, may have written it: a regular file
 * of his, neither it nor (when asked) its directory writable by others.
 */
#ifndef MDA_READER_H
#define MDA_READER_H

#include "base/str.h"

void reader_run(int root_fd, struct str root, int fd);

#endif
