/* SPDX-License-Identifier: ISC */
/*
 * admin - tools ask (proto/admin): for a list on public/showq, for another
 * try now on private/qmgr.  Who may ask is told by the socket's mode and by
 * SO_PEERCRED.
 */
#ifndef QMGR_ADMIN_H
#define QMGR_ADMIN_H

struct qmgr;
struct admin;

/* Listens where master says ("listen:showq", "listen:qmgr"). */
struct admin *admin_new(struct qmgr *q);

#endif
