/* SPDX-License-Identifier: ISC */
/*
 * inquiry - tools ask qmgr (mail/proto/admin.h) at public/showq.  What a tool
 * does it does in one task, which inquiry_run() runs.
 *
 *	struct chan *c;
 *	int r = inquiry_open(conf, &c);		-ENOENT ...: qmgr is not there
 *	r = inquiry_call(c, ADMIN_FLUSH, &flush, ADMIN_DONE, &answer, &why);
 */
#ifndef TOOLS_INQUIRY_H
#define TOOLS_INQUIRY_H

#include "base/buf.h"
#include "mail/conf.h"
#include "mail/proto/admin.h"

/* Calls `fn` in a task, and returns when it has returned. */
void inquiry_run(void (*fn)(void *arg), void *arg);

/* 0, or -errno: it is not running, or too many ask. */
int inquiry_open(const struct conf *c, struct chan **ret);

/*
 * One request and its answer, which is of the kind `want` and for the caller
 * to parcel_done().  -errno with `why`: as qmgr says, or no answer came
 * (-EPIPE, -ETIMEDOUT).
 */
int inquiry_call(struct chan *c, unsigned kind, const void *value,
    unsigned want, struct parcel *ret, struct buf *why);

/* The same, with descriptors, which stay the caller's. */
int inquiry_give(struct chan *c, unsigned kind, const void *value,
    const int *fds, size_t nfds, unsigned want, struct parcel *ret,
    struct buf *why);

/* Messages as they come through a listing's pipe. */
struct inquiry_entries {
	uint64_t total; /* about */
	struct io io;
	struct buf bytes;
	size_t used; /* of them */
	struct arena arena;
	struct admin_entry entry;
};
/* Begin: 0, or -errno with `why`. */
int inquiry_list(struct chan *c, bool only_names, struct inquiry_entries *ret,
    struct buf *why);
/* The same of a pipe that is there; it is taken, also on an error. */
int inquiry_entries(int fd, struct inquiry_entries *ret);
/* 1: ->entry is the next, until the next call; 0: that was all; -errno: the
 * list broke off.  Waits. */
int inquiry_next(struct inquiry_entries *e);
void inquiry_end(struct inquiry_entries *e);

/* A bit of enum admin_queue for a name of Postfix's, whose incoming/ is active
 * here; 0: there is none. */
uint64_t inquiry_queue(struct str name);

#endif
