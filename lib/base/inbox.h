/* SPDX-License-Identifier: ISC */
/*
 * inbox - a batch of packets as they come in, in one system call.  There is
 * one batch in a process: it is worked off before anything waits.
 */
#ifndef BASE_INBOX_H
#define BASE_INBOX_H

#include "base/packet.h"

#define INBOX_BATCH 16

struct inbox_packet {
	struct str bytes;
	int fds[CHAN_FDS]; /* whoever takes the packet owns them */
	size_t nfds;
	/* Why it is not to be looked at; "" for the end of the conversation;
	 * NULL: it is as it was sent. */
	const char *fault;
};

/*
 * The count, or -errno.  Fewer than INBOX_BATCH: the kernel found no more, so
 * that the next one makes the descriptor ready anew.  All are to be taken.
 */
int inbox_receive(int socket);
void inbox_take(size_t i, struct inbox_packet *ret);

#endif
