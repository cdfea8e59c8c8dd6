/* SPDX-License-Identifier: ISC */
/* tls_identity - certificate chains and the keys that go with them. */
#include "base/log.h"
#include "net/tls_impl.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* One for each type that tls_signer.c knows. */
#define CHAINS 3

struct chain {
	EVP_PKEY *key; /* NULL: no chain */
	X509 *leaf;
	STACK_OF(X509) * rest;
};

struct tls_identity {
	struct chain chains[CHAINS];
};

static void
chain_done(struct chain *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->leaf);
	sk_X509_pop_free(c->rest, X509_free);
	*c = (struct chain){0};
}

struct tls_identity *
tls_identity_new(void)
{
	struct tls_identity *id = calloc(1, sizeof(*id));

	if (id == NULL)
		log_fatal("out of memory for a certificate");
	return id;
}

void
tls_identity_free(struct tls_identity **id)
{
	if (*id == NULL)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		chain_done(&(*id)->chains[i]);
	free(*id);
	*id = NULL;
}

/* The certificates of `pem`; false when there is none. */
static bool
read_chain(struct chain *c, struct str pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *x;

	if (in == NULL)
		return false;
	c->leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
	c->rest = sk_X509_new_null();
	while (c->leaf != NULL && c->rest != NULL &&
	       (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(c->rest, x) == 0)
			X509_free(x);
	BIO_free(in);
	return c->leaf != NULL && c->rest != NULL;
}

static int
type_of(const X509 *leaf)
{
	return EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
}

/* Where a chain of this type of key is, or goes. */
static struct chain *
find_place(struct tls_identity *id, const X509 *leaf)
{
	size_t i = 0;

	while (i < CHAINS - 1 && id->chains[i].key != NULL &&
	       type_of(id->chains[i].leaf) != type_of(leaf))
		i++;
	return &id->chains[i];
}

int
tls_identity_add(struct tls_identity *id, struct str pem,
    struct tls_signer *signer, struct buf *why)
{
	struct chain c = {0};
	struct chain *place;

	ERR_clear_error();
	if (pem.len > INT_MAX || !read_chain(&c, pem)) {
		signer->free(signer);
		tls_take_errors(why);
		chain_done(&c);
		return -EINVAL;
	}
	ERR_clear_error(); /* of the end of the PEM */
	c.key = tls_signer_key(X509_get0_pubkey(c.leaf), signer, why);
	if (c.key == NULL) {
		chain_done(&c);
		return -EINVAL;
	}
	place = find_place(id, c.leaf);
	chain_done(place);
	*place = c;
	return 0;
}

bool
tls_identity_show(const struct tls_identity *id, SSL *ssl)
{
	for (size_t i = 0; i < CHAINS; i++) {
		const struct chain *c = &id->chains[i];

		if (c->key != NULL &&
		    SSL_use_cert_and_key(ssl, c->leaf, c->key, c->rest, 1) != 1)
			return false;
	}
	return true;
}
