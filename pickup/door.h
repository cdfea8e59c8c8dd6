/* SPDX-License-Identifier: ISC */
/*
 * door - the socket at which sendmail(1) knocks: public/pickup.  The kernel
 * says who it is.  One message at a time in a conversation; one that brings
 * none in DOOR_PATIENCE is ended.
 */
#ifndef PICKUP_DOOR_H
#define PICKUP_DOOR_H

#include "submission.h"

#define DOOR_PATIENCE (60 * CLOCK_SEC)

/* Serve the listening socket from now on. */
int door_open(const struct pickup *p, int listen_fd);

/* No new conversations; `idle` is called when none is open any more. */
void door_close(void (*idle)(void *arg), void *arg);

#endif
