/* SPDX-License-Identifier: ISC */
/*
 * starttls - TLS with clients: what main.cf says of it, made ready at the
 * start; the handshake, in a session; and what is said of it in the log.
 *
 * The private key is not here, nor the certificate at first: the program keys
 * has them, and whoever makes the server gives the way to it (tls_identify).
 */
#ifndef SMTPD_STARTTLS_H
#define SMTPD_STARTTLS_H

#include "base/buf.h"
#include "mail/conf.h"
#include "net/tls.h"

#include <stdbool.h>

enum starttls_level {
	STARTTLS_NONE,
	STARTTLS_MAY,
	STARTTLS_ENCRYPT, /* or no mail */
};

struct starttls {
	enum starttls_level level;
	bool is_wrapped; /* smtpd_tls_wrappermode: from the first byte on */
	bool must_trust; /* a client's certificate, or we hang up */
	unsigned loglevel;
	bool in_received;
	const char *digest;          /* of fingerprints */
	struct tls_context *context; /* NULL with STARTTLS_NONE */
	tls_identify identify;
	void *identify_arg;
};

enum starttls_level starttls_level(const struct conf *c);

struct session;

/* Who vouches for clients, as PEM: those that clients are told of
 * (smtpd_tls_CAfile), and the rest. */
struct starttls_ca {
	struct str named, others;
};
bool starttls_asks(const struct conf *c); /* clients for a certificate */

/* Sets up `t` (of zeros until then), whose strings lie in `a`.  false with
 * `why`. */
bool starttls_init(struct starttls *t, const struct conf *c, struct str service,
    const struct starttls_ca *ca, tls_identify identify, void *arg,
    struct arena *a, struct buf *why);
void starttls_done(struct starttls *t);

/* May this client say STARTTLS now, and is there a certificate to show? */
bool starttls_is_offered(const struct session *s);
bool starttls_has_identity(const struct starttls *t);

/* The handshake.  false: the session has its end. */
bool starttls_begin(struct session *s);

#endif
