/* SPDX-License-Identifier: ISC */
/*
 * admin - conversations with tools (proto/admin), on public/showq and
 * private/qmgr.  Each request is carried out by a task of its own, after what
 * the kernel says of the peer (SO_PEERCRED) was held against what the request
 * needs.
 *
 * A request is added by its kinds and shapes in proto/admin, a function here,
 * and a row in the table of admin.c.
 */
#ifndef QMGR_ADMIN_H
#define QMGR_ADMIN_H

#include "base/buf.h"
#include "base/chan.h"
#include "mail/proto/admin.h"
#include "mail/qid.h"

#include <stdbool.h>
#include <sys/types.h>

struct qmgr;
struct admin;
struct tool;

/* Listens where master says ("listen:showq", "listen:qmgr"); while no suite
 * runs it talks with one tool instead ("tool"), and we end with that. */
struct admin *admin_new(struct qmgr *q);

/* One request, while its task runs. */
struct admin_request {
	struct qmgr *qmgr;
	struct tool *tool;
	uid_t uid; /* whose it is */
	struct parcel parcel;
};
typedef void (*admin_fn)(struct admin_request *r);

/* The tool has gone: nobody waits for the answer. */
bool admin_is_gone(const struct admin_request *r);

/* As chan_send, in the request's exchange; 0 also when the tool is gone. */
int admin_send(struct admin_request *r, unsigned kind, const void *value,
    const int *fds, size_t nfds);

/* The last word: ADMIN_DONE.  `error` is an errno, or 0. */
void admin_end(struct admin_request *r, uint64_t count, int error,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The requests' functions: in admin_list.c, admin_flush.c ... */
void admin_list(struct admin_request *r);
void admin_flush(struct admin_request *r);
void admin_show(struct admin_request *r);
void admin_status(struct admin_request *r);
void admin_take(struct admin_request *r);
void admin_steer(struct admin_request *r);
void admin_check(struct admin_request *r);

/* A message is taken in under a new id, whatever id `e` has; waits until it
 * is durable.  0; -ENOSPC, -EAGAIN ...: it was not. */
int admin_take_message(struct admin_request *r, const struct envelope *e,
    struct content *content, char ret_id[QID_LEN + 1]);

#endif
