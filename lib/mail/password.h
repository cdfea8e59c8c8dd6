/* SPDX-License-Identifier: ISC */
/*
 * password - one hash of a password: does it match, and making new ones.
 *
 * Schemes, in Dovecot's names: CRYPT and its kin (whatever crypt(3) knows),
 * SHA256, SHA512, SSHA256, SSHA512, PLAIN, SCRAM-SHA-1, SCRAM-SHA-256.  New
 * passwords are CRYPT (yescrypt) and SCRAM; SSHA256 is for application
 * passwords, which are too random to be guessed and need no slow hash.
 *
 * A slow hash takes some ten milliseconds, or as long as its parameters say:
 * it is computed where nobody waits for the process.
 */
#ifndef MAIL_PASSWORD_H
#define MAIL_PASSWORD_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/scram.h"
#include "mail/secrets.h"

#include <stdbool.h>

#define PASSWORD_MAX        1024 /* bytes of a password */
#define PASSWORD_HASH_MAX   1024
#define PASSWORD_ITERATIONS 16384 /* of new SCRAM keys */
#define PASSWORD_SALT       16    /* bytes of new salts */

enum password_scheme {
	PASSWORD_UNKNOWN,
	PASSWORD_CRYPT,
	PASSWORD_SHA256, /* with or without salt */
	PASSWORD_SHA512,
	PASSWORD_PLAIN,
	PASSWORD_SCRAM_SHA1,
	PASSWORD_SCRAM_SHA256,
};

enum password_scheme password_scheme(const struct secret *s);
bool password_is_scram(const struct secret *s);
bool password_is_slow(const struct secret *s);   /* CRYPT, SCRAM */
bool password_is_locked(const struct secret *s); /* nothing equals it */
/* SECURITY: or another one of the same password: who locks one locks all. */
bool password_is_locked_in(const struct secrets *s, size_t i);

/* May take long.  False for a locked, an unknown or a broken one.  The bytes as
 * they are: whoever asks prepares them (mail/saslprep.h). */
bool password_matches(const struct secret *s, struct str password);

/* What a {SCRAM-...} hash holds: "iterations,salt,StoredKey,ServerKey". */
struct password_scram {
	enum hmac_hash hash;
	uint32_t iterations;
	struct str salt;        /* in base64, as it stands there */
	struct scram_keys keys; /* stored and server */
};
/* False: broken, or not of that hash. */
bool password_scram(
    const struct secret *s, enum hmac_hash hash, struct password_scram *ret);

/*
 * Add "{SCHEME}hash" of a new password, which is prepared first: "CRYPT",
 * "SSHA256", "SCRAM-SHA-1" or "SCRAM-SHA-256", the latter two with salt and
 * iterations of `like`, when it is not NULL, so that one exchange can be
 * compared with both.  0, -EINVAL (no such scheme; no password), -EMSGSIZE, or
 * what crypt(3) says.
 */
int password_make(struct str scheme, struct str password,
    const struct password_scram *like, struct buf *out);

#endif
