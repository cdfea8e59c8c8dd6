/* SPDX-License-Identifier: ISC */
/*
 * alone - the queue while no suite runs.
 *
 * master is started for a tool (-q) with nothing but qmgr and what that asks;
 * the tool talks with qmgr (inquiry.h) as ever, has the queue for itself,
 * and nothing is delivered or taken.  A suite that is started meanwhile waits
 * a while for the queue's lock, and so does a second tool.
 */
#ifndef TOOLS_ALONE_H
#define TOOLS_ALONE_H

#include "base/chan.h"
#include "mail/conf.h"

#include <stdbool.h>

/* inquiry_open() says that nobody is there. */
bool alone_is_down(int error);
/* Root may, and whose all of a suite is. */
bool alone_is_allowed(const struct conf *c);

struct alone {
	pid_t pid; /* of master; 0: none was started */
};
/* qmgr, or while it is down and the caller may the queue itself: 0 or -errno
 * (-EACCES: it is down, and he may not). */
int alone_open(struct alone *a, const struct conf *c, struct chan **ret);
/* 0 and a conversation, or -errno: it cannot be started.  Why a start failed
 * later master says on standard error. */
int alone_start(struct alone *a, const struct conf *c, struct chan **ret);
/* Ends both (either may be nothing), and returns when the queue is free. */
void alone_end(struct alone *a, struct chan **c);

#endif
