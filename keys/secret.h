/* SPDX-License-Identifier: ISC */
/* secret - bytes of which no copy is left behind: one allocation, wiped. */
#ifndef KEYS_SECRET_H
#define KEYS_SECRET_H

#include "base/buf.h"

/* The whole of a regular file of at most `max` bytes, by offset, into a fresh
 * buf, in which it may grow to `max`: 0 or -errno. */
int secret_read(int fd, size_t max, struct buf *ret);
/* The same of nothing. */
void secret_init(struct buf *b, size_t max);

#define SECRET_CLEANUP __attribute__((cleanup(secret_done)))
void secret_done(struct buf *b);

#endif
