/* SPDX-License-Identifier: ISC */
/*
 * deliver - the role that writes Maildirs and mailbox files below a root.
 * Maildir deliveries that arrive together are one batch; mailbox files are
 * written one after the other, since each may wait for locks.
 */
#ifndef MDA_DELIVER_H
#define MDA_DELIVER_H

#include "settings.h"

/* `root_fd` may be -errno: then nothing can be delivered, and why; `fd` is the
 * conversation, `flusher_fd` that with the flusher, or -1. */
void deliver_run(const struct settings *s, int root_fd, struct str root, int fd,
    int flusher_fd);

#endif
