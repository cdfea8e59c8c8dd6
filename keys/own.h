/* SPDX-License-Identifier: ISC */
/*
 * own - the certificate of a host that has none: a P-256 key and a certificate
 * for `hostname` that it signs itself, good for ten years.
 *
 * It is kept in a file that master opened for reading and writing, so that it
 * is the same after a restart; without one (-1) it is made for this life.
 * What a crash left of a file that was being written is no key, and is written
 * over.
 */
#ifndef KEYS_OWN_H
#define KEYS_OWN_H

#include "chain.h"

/* 0, or -errno with `why`: then there is none. */
int own_open(int fd, struct str hostname, time_t now, struct chain_list *ret,
    struct buf *why);

#endif
