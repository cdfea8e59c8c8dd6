/* SPDX-License-Identifier: ISC */
/*
 * outbox - the packets of a channel that are on their way out.
 *
 * Descriptors are borrowed from the caller until the packets have left, or
 * until outbox_own(), which duplicates those of what is still here.
 */
#ifndef BASE_OUTBOX_H
#define BASE_OUTBOX_H

#include "base/packet.h"

#include <sys/queue.h>

#define OUTBOX_BATCH 16 /* packets a system call */

struct out;

struct outbox {
	STAILQ_HEAD(, out) queue;
	size_t packets;
	size_t bytes;
};

void outbox_init(struct outbox *o);
void outbox_drop(struct outbox *o); /* all of it */

/* A parcel, cut into packets: `h` says kind, exchange, PACKET_ASKS. */
void outbox_add(struct outbox *o, const struct packet_header *h,
    struct str bytes, const int *fds, size_t nfds);

/* 0: empty.  -EAGAIN: the socket takes no more.  Or another -errno. */
int outbox_send(struct outbox *o, int socket);

int outbox_own(struct outbox *o); /* 0, -EMFILE */

#endif
