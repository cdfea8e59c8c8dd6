/* SPDX-License-Identifier: ISC */
/*
 * base64 - RFC 4648 section 4, as SASL and certificates use it: one line, no
 * blanks, padded, and only one way to write a thing.
 *
 * What is encoded may be a secret: nothing is copied but into `out`, whose
 * memory grows at most once in a call.
 */
#ifndef MAIL_BASE64_H
#define MAIL_BASE64_H

#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>

/* How long `n` bytes become. */
size_t base64_encoded_len(size_t n);

/* Adds to `out`: 0 or -EMSGSIZE. */
int base64_encode(struct str bytes, struct buf *out);

/*
 * Adds to `out`: 0; -EINVAL for what is not base64 (a foreign character,
 * padding that is missing, misplaced or not zero), or -EMSGSIZE: nothing is
 * added then.
 */
int base64_decode(struct str text, struct buf *out);

#endif
