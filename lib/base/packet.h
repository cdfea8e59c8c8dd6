/* SPDX-License-Identifier: ISC */
/*
 * packet - the framing of chan: how a parcel is cut into packets and joined
 * again.  Pure: knows no socket.
 *
 * A packet is a header of PACKET_HEADER bytes and a part of an encoded value:
 *
 *	0  kind; PACKET_HELLO is chan's own
 *	1  flags: PACKET_MORE, another packet of this parcel follows;
 *	   PACKET_ASKS, the parcel is a request of chan_call
 *	2  descriptors that ride on it
 *	3  zero
 *	4  exchange number, little endian
 *
 * The packets of a parcel follow each other, with the same kind, exchange
 * and PACKET_ASKS.
 */
#ifndef BASE_PACKET_H
#define BASE_PACKET_H

#include "base/chan.h"

#define PACKET_HEADER 8
#define PACKET_DATA   (CHAN_PACKET - PACKET_HEADER)
#define PACKET_HELLO  255

enum packet_flag {
	PACKET_MORE = 1 << 0,
	PACKET_ASKS = 1 << 1,
};

struct packet_header {
	uint8_t kind;
	uint8_t flags;
	uint8_t nfds;
	uint32_t exchange;
};

void packet_put_header(
    const struct packet_header *h, unsigned char bytes[PACKET_HEADER]);

/* How many packets a parcel of that size takes. */
size_t packet_count(size_t bytes, size_t nfds);

/* A parcel on its way in: what came of it so far. */
struct joiner {
	bool is_open; /* a packet with PACKET_MORE came last */
	struct packet_header header;
	struct buf bytes;
	int *fds;
	size_t nfds;
};

void joiner_init(struct joiner *j);
void joiner_done(struct joiner *j); /* closes the descriptors it holds */

/*
 * Takes the descriptors, whatever it returns.  1: the parcel is whole; 0:
 * more is to come; -EPROTO with *ret_why, a static text.
 */
int joiner_add(struct joiner *j, struct str packet, const int *fds, size_t nfds,
    const char **ret_why);

/*
 * The whole parcel, decoded by `shape`, out of the joiner, which is empty
 * then and ready for the next.  0 or -EPROTO with *ret_why.
 */
int joiner_take(struct joiner *j, const struct shape *shape,
    struct parcel *ret_parcel, const char **ret_why);

#endif
