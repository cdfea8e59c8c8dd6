/* SPDX-License-Identifier: ISC */
/*
 * listen - taking connections from the listeners that master handed in
 * ("listen:0", "listen:1", ...), a task each, and what happens when there is
 * no place or no descriptor for one more.
 */
#ifndef SMTPD_LISTEN_H
#define SMTPD_LISTEN_H

#include "server.h"

struct listeners;

/* 0 or -errno: none was handed in, or one cannot be used. */
int listen_start(struct server *s, struct listeners **ret);

/* No more connections: the listeners are left to those who come after. */
void listen_stop(struct listeners **l);

#endif
