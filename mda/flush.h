/* SPDX-License-Identifier: ISC */
/*
 * flush - what a child asks of the flusher, and what it does without one.
 * Calls wait (in a task) where there is a flusher.
 */
#ifndef MDA_FLUSH_H
#define MDA_FLUSH_H

#include "barrier.h"

#include "base/chan.h"

#include <sys/types.h>

struct flush {
	struct chan *chan;      /* with the flusher; NULL: there is none */
	struct barrier barrier; /* without */
	bool is_told;           /* the flusher, of a disk: ... */
	dev_t dev;              /* ... this one ... */
	bool is_open;           /* ... which it flushes */
	struct task_queue told; /* who waits for what it says of it */
	bool is_telling;
};

/* A child's end of a conversation with the flusher; -1: none. */
void flush_init(struct flush *f, int fd);
void flush_done(struct flush *f);

/* Before anything is written below the directory `fd`, of disk `dev`. */
void flush_begin(struct flush *f, int fd, dev_t dev);

/* `n` files or directories of a batch of `of`, all on disk `dev`; `fd` as for
 * flush_begin(). */
enum barrier_result flush_all(
    struct flush *f, int fd, dev_t dev, size_t n, size_t of);

#endif
