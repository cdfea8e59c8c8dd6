/* SPDX-License-Identifier: ISC */
/*
 * exchange - one question to one resolver, and the packet that answers it.
 *
 * SECURITY: a socket of its own for each question, bound to a random port
 * and connected, a random id, random case in the name: whoever is not on the
 * path has some 2^30 to guess, and only packets that guessed all are looked
 * at.  Both wait, so they run in a task.
 */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "resolver.h"
#include "wire.h"

#include "base/buf.h"

/*
 * `q` gets a new id and, for UDP, a new spelling.  `packet` has room for
 * WIRE_PACKET_MAX.  0, -EBADMSG (someone plays games: ask by TCP),
 * -ETIMEDOUT, -ECANCELED, or what the socket said.
 */
int exchange_udp(const struct resolver *r, struct wire_question *q,
    struct buf *packet, int64_t deadline);
int exchange_tcp(const struct resolver *r, struct wire_question *q,
    struct buf *packet, int64_t deadline);

#endif
