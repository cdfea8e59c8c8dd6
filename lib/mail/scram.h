/* SPDX-License-Identifier: ISC */
/*
 * scram - what both sides of SCRAM compute and how its messages are read
 * (RFC 5802, with SHA-256 RFC 7677).  The dialogues are elsewhere:
 * sasl_scram.c for clients.
 *
 * A key has hmac_size(hash) bytes.  Passwords are taken as they are: they have
 * been prepared (mail/saslprep.h).
 */
#ifndef MAIL_SCRAM_H
#define MAIL_SCRAM_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/hmac.h"

#include <stdbool.h>
#include <stdint.h>

/* Iterations: what RFC 7677 section 4 asks for at least, and what we compute
 * at most for a peer (0.1 s of a processor, while others wait). */
#define SCRAM_ITERATIONS     4096
#define SCRAM_ITERATIONS_MAX 200000
#define SCRAM_SALT_MAX       256  /* bytes, decoded */
#define SCRAM_MESSAGE_MAX    4096 /* of one message, decoded */

/* ---- keys (RFC 5802 section 3) ---- */

struct scram_keys {
	unsigned char client[HMAC_MAX], stored[HMAC_MAX], server[HMAC_MAX];
};

/* SaltedPassword; `iterations` is the cost, and at least 1. */
void scram_salt(enum hmac_hash h, struct str password, struct str salt,
    uint32_t iterations, unsigned char *ret);
/* What follows from it.  A server keeps only stored and server. */
void scram_keys(
    enum hmac_hash h, const unsigned char *salted, struct scram_keys *ret);

/* `auth` is the AuthMessage: client-first-message-bare, server-first-message
 * and client-final-message-without-proof, commas between them. */
void scram_proof(enum hmac_hash h, const struct scram_keys *k, struct str auth,
    unsigned char *ret);
/* In constant time.  Needs k->stored only. */
bool scram_proof_is_good(enum hmac_hash h, const struct scram_keys *k,
    struct str auth, struct str proof);
/* Needs k->server only. */
void scram_signature(enum hmac_hash h, const struct scram_keys *k,
    struct str auth, unsigned char *ret);

/* Equal, in a time that depends on the lengths alone. */
bool scram_is_same(struct str a, struct str b);

/* ---- messages (section 7) ---- */

/*
 * Take "NAME=value" off the front of *rest, and the comma behind it.  False:
 * something else stands there, or the value is empty; *rest is unchanged.
 */
bool scram_take(struct str *rest, char name, struct str *ret_value);

/* A nonce: printable ASCII without a comma, and not empty. */
bool scram_is_nonce(struct str s);

/* A name with its commas and equals signs as "=2C" and "=3D", and back; 0,
 * -EMSGSIZE, and for the latter -EINVAL. */
int scram_name_encode(struct str name, struct buf *out);
int scram_name_decode(struct str text, struct buf *out);

#endif
