/* SPDX-License-Identifier: ISC */
/*
 * chain - a private key with the certificates that go with it, out of PEM
 * (RFC 7468) as main.cf's files have it.
 *
 * A struct chain never changes, and is shared: chain_ref(), chain_unref(),
 * which wipes the key with the last.  `id` names the key by the SHA-256 of
 * its public half (SubjectPublicKeyInfo).
 *
 * A reader gathers texts, in order, and then makes chains of them:
 *
 *	keys, each with its chain behind it	smtpd_tls_chain_files
 *	a chain, its key in another text	smtpd_tls_cert_file, _key_file
 *
 * SECURITY: a chain is made only of a key that is the leaf's, that signs by a
 * scheme of TLS, and of a leaf whose time has come and is not over.
 */
#ifndef KEYS_CHAIN_H
#define KEYS_CHAIN_H

#include "base/buf.h"
#include "mail/proto/keys.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CHAIN_TEXT_MAX  (1024 * 1024) /* of one file */
#define CHAIN_ITEMS_MAX 64            /* keys and certificates */
#define CHAIN_ABOUT     128

struct chain {
	unsigned refs;
	unsigned char id[KEYS_ID];
	EVP_PKEY *key;
	struct buf pem;          /* the certificates, the leaf first */
	char about[CHAIN_ABOUT]; /* of whom, until when; for the log */
};

struct chain *chain_ref(struct chain *c);
void chain_unref(struct chain **c);

struct chain_list {
	struct chain *at[KEYS_CHAINS_MAX];
	size_t n;
};

void chain_list_done(struct chain_list *l);
/* Those that have room are added to `to`, which shares them. */
void chain_list_add(struct chain_list *to, const struct chain_list *from);
struct chain *chain_list_find(const struct chain_list *l, struct str id);
bool chain_list_eq(const struct chain_list *a, const struct chain_list *b);

/* What a text held. */
struct chain_item {
	EVP_PKEY *key; /* else: */
	X509 *cert;
};
struct chain_reader {
	struct chain_item items[CHAIN_ITEMS_MAX];
	size_t n;
};

void chain_reader_done(struct chain_reader *r); /* safe on zeroed memory */

/* 0, or -EINVAL with `why`, a phrase. */
int chain_reader_add(struct chain_reader *r, struct str text, struct buf *why);

/*
 * The chains of all texts, `key` (NULL: none) holding the key of the only one.
 * `now` in seconds since 1970.  0, or -EINVAL with `why` and nothing in *ret.
 */
int chain_reader_make(const struct chain_reader *r,
    const struct chain_reader *key, time_t now, struct chain_list *ret,
    struct buf *why);

#endif
