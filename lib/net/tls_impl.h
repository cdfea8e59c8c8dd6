/* SPDX-License-Identifier: ISC */
/* tls_impl - what the files of tls share, and nobody else sees. */
#ifndef NET_TLS_IMPL_H
#define NET_TLS_IMPL_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct tls_context {
	SSL_CTX *ctx;
	enum tls_role role;
	tls_identify identify;
	void *identify_arg;
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
	size_t nkeys;
	bool has_no_tickets; /* whatever keys there are */
};

/* A connection's; hangs below its stream. */
struct tls {
	SSL *ssl;
	int error;      /* what the socket said last, -errno */
	unsigned reads; /* of the socket, in this call of the library */
	struct tls_info info;
};

/* The SSL's own tls_context. */
struct tls_context *tls_context_of(const SSL *ssl);

/* Show these from now on; false when the library refuses one. */
bool tls_identity_show(const struct tls_identity *id, SSL *ssl);

/* NULL with `why`.  Takes the signer.  What the caller frees is a reference,
 * as each handshake has one. */
EVP_PKEY *tls_signer_key(
    EVP_PKEY *public, struct tls_signer *signer, struct buf *why);

/* Fill in info; done takes back what it holds. */
void tls_info_fill(struct tls_info *info, SSL *ssl);
void tls_info_done(struct tls_info *info);

/* What the library has to say, a line each, taken off this thread's queue. */
void tls_take_errors(struct buf *why);

struct tls *tls_below(const struct stream *s); /* NULL: a bare one */

#endif
