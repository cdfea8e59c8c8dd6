/* SPDX-License-Identifier: ISC */
/*
 * tls - TLS below a stream (RFC 8446, RFC 5246; OpenSSL 3), in both roles.
 *
 * A tls_context is what all connections of a service share: made once, at the
 * start, on the main stack.  TLS 1.2 is the floor, whatever is asked for; no
 * renegotiation, no compression, no early data, no stateful sessions.
 *
 * A handshake turns a stream into one under TLS: both its buffers are thrown
 * away, so that nothing said before it counts as said after (RFC 3207 section
 * 4.2); everything else of stream.h holds as before.  It is done in a task
 * and waits as one, up to the stream's deadline; after it failed the stream
 * is dead.  Errors under TLS are those of stream.h, and -EPROTO.  A
 * connection that ends without the peer's close_notify is -ECONNRESET as well
 * as one that ends with it: in SMTP the end of a message is not the end of
 * the connection.  stream_done() says close_notify if that needs no wait.
 *
 * A private key is never here: a certificate chain comes with a tls_signer,
 * which signs elsewhere (tls_signer.h); the context asks for the one to show
 * once the client has named whom it wants.
 *
 *	server:	tls_accept(&stream, context, &why)
 *	client:	tls_connect(&stream, context, &ask, &why)
 *	both:	tls_info(&stream)->protocol ...
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "base/str.h"
#include "net/stream.h"
#include "net/tls_signer.h"

#include <stdbool.h>
#include <stdint.h>

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

struct tls_context;
struct tls_identity;
struct tls_session;

/* ---- identities: who we are ---- */

/*
 * Chains with their signers, one a type of key (RSA, ECDSA, Ed25519; another
 * one of a type replaces it).  tls_identity_add takes the signer, also when it
 * fails.  `pem`: the leaf first, then what leads to the root; other things
 * than certificates in it are skipped.  0 or -EINVAL with `why`.  A handshake
 * under way keeps what it uses, so an identity may go at any time.
 */
struct tls_identity *tls_identity_new(void);
int tls_identity_add(struct tls_identity *id, struct str pem,
    struct tls_signer *signer, struct buf *why);
void tls_identity_free(struct tls_identity **id);

/*
 * The identity for a connection, NULL for none (then a server's handshake
 * fails, and a client shows no certificate).  `name` is the server name that
 * the client asked for, empty if none; in a client always empty.  May wait.
 */
typedef const struct tls_identity *(*tls_identify)(void *arg, struct str name);

/* ---- contexts ---- */

/* What a handshake may agree on; ciphers are those of TLS 1.2, those of 1.3
 * are all good. */
struct tls_grade {
	int min, max;        /* TLS_1_x; 0: no bound of our own */
	const char *ciphers; /* OpenSSL's cipher list; NULL: its own default */
};

enum tls_role {
	TLS_SERVER,
	TLS_CLIENT,
};

enum tls_peer {
	TLS_PEER_NONE,    /* a server does not ask for a certificate */
	TLS_PEER_ASK,     /* asks; without one, or with a bad one, goes on */
	TLS_PEER_REQUIRE, /* the handshake fails without one; a bad one goes on:
	                     tls_info tells */
};

/* What may be asked for besides: sessions are not taken up again; a client that
 * would rather have ChaCha20 gets it (its device has no AES); a client speaks
 * with servers that know nothing of secure renegotiation (RFC 5746). */
enum {
	TLS_NO_TICKETS = 1 << 0,
	TLS_CHACHA_FIRST = 1 << 1,
	TLS_OLD_SERVERS = 1 << 2,
};

struct tls_settings {
	enum tls_role role;
	struct tls_grade grade;
	const char *groups;    /* "X25519:P-256"; NULL: OpenSSL's own default;
	                          one that it does not know is left out */
	bool prefers_own;      /* a server's order of ciphers wins */
	enum tls_peer peer;    /* a server's; a client always looks */
	struct str ca;         /* PEM: who vouches for peers; may be empty; of a
	                          directory: all its files, one after the other */
	struct str ca_named;   /* the same, and a server that asks names them */
	int verify_depth;      /* Postfix's: a CA may stand between a peer's
	                          certificate and one of ours, and as many more */
	unsigned options;      /* TLS_NO_TICKETS ... */
	struct str service;    /* sessions of one are not taken up by another */
	tls_identify identify; /* a client's may be NULL */
	void *identify_arg;
};

/* NULL with `why` when a setting is not understood.  Borrows nothing. */
struct tls_context *tls_context_new(
    const struct tls_settings *settings, struct buf *why);
void tls_context_free(struct tls_context **c); /* no stream may use it */

/*
 * Keys for session tickets (RFC 5077, RFC 8446 section 4.6.1), the newest
 * first: new tickets are made with it, those of any are taken; lifetime in
 * seconds.  All processes of a service that share them resume each other's
 * sessions.  With none there are no tickets, as at the start.  Copies them.
 */
#define TLS_TICKET_KEYS_MAX 4
struct tls_ticket_key {
	unsigned char name[16], cipher[32], mac[32]; /* all random */
};
void tls_context_tickets(struct tls_context *c,
    const struct tls_ticket_key *keys, size_t n, long lifetime);

/* ---- handshakes ---- */

/*
 * 0 or -errno; `why` (a line for each error of the library) stays empty when
 * the connection was lost or the time was over.
 */
int tls_accept(struct stream *s, struct tls_context *c, struct buf *why);

struct tls_ask {
	const char *name;              /* to ask for (SNI); NULL: nobody */
	const struct tls_grade *grade; /* NULL: the context's */
	struct tls_session *session;   /* to take up again; NULL: a new one */
};
int tls_connect(struct stream *s, struct tls_context *c,
    const struct tls_ask *ask, struct buf *why);

/*
 * What to take the session up with next time, or NULL: to be asked for at the
 * end of a connection, since the server sends it in its own time.  It keeps
 * what was verified.
 */
struct tls_session *tls_session_get(const struct stream *s);
void tls_session_free(struct tls_session **session);

/* ---- what a handshake told ---- */

/* A signature: "RSA-PSS", 2048 bits; "ECDSA", "P-256".  name "" if none. */
struct tls_signature {
	const char *name, *curve; /* curve "" for none */
	int bits;                 /* 0 when a curve says it */
	const char *digest;       /* "SHA256"; "" when it has none of its own */
};

struct tls_info {
	const char *protocol, *cipher;
	int bits, cipher_bits; /* used, of the cipher */
	const char *kex;       /* "X25519", "ECDHE", "DHE"; "" before TLS 1.3 */
	const char *kex_curve; /* "P-256" with ECDHE, else "" */
	int kex_bits;          /* with DHE, else 0 */
	struct tls_signature server, client; /* TLS 1.3 and full handshakes */
	bool is_reused;                      /* a session taken up again */
	bool asked_cert; /* a server asked the client for one */
	bool has_cert;   /* the peer showed one; only then: */
	bool is_trusted; /* it leads to a CA of ours */
	bool has_fault;  /* not that its CA is not ours: out of date, ... */
	char *not_trusted_why;
	char *subject, *issuer; /* their common names, else "" */
	char *name;             /* asked for (SNI), either role; "" if none */
};

/* NULL when the stream is not under TLS.  Borrowed, as long as it is. */
const struct tls_info *tls_info(const struct stream *s);

/*
 * Is the peer's certificate for `name`?  DNS names of it, else its common
 * name; wildcards as RFC 6125 section 6.4.3 has them.  ".example.com" asks
 * for any name below it.  Says nothing of trust.
 */
bool tls_has_name(const struct stream *s, const char *name);

/*
 * The digest of the peer's certificate, or of its public key, as "AB:CD:...".
 * 0, -ENOENT without a certificate, -EINVAL for a digest that is unknown.
 */
#define TLS_FINGERPRINT_SIZE (64 * 3)
enum tls_fingerprint {
	TLS_OF_CERT,
	TLS_OF_KEY,
};
int tls_fingerprint(const struct stream *s, enum tls_fingerprint what,
    const char *digest, char ret[static TLS_FINGERPRINT_SIZE]);

#endif
