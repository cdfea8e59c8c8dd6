/* SPDX-License-Identifier: ISC */
#include "desk_tls.h"

#include "tls_pair.h"

#include <assert.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

/* A certificate, whose key signs. */
struct party {
	EVP_PKEY *key;
	struct buf pem;
	struct pair_signer signer;
	struct tls_identity *identity;
};

static struct {
	struct party server, client;
	bool has_no_keys;
	struct tls_context *contexts[8]; /* of clients */
	size_t ncontexts;
} desk;

static void
make_party(struct party *p, const char *name)
{
	if (p->key != NULL)
		return;
	p->key = pair_key("P-256");
	pair_certify(p->key, name, NULL, &p->pem);
}

static void
party_init(struct party *p, const char *name)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	make_party(p, name);
	pair_signer_init(&p->signer, p->key);
	p->identity = tls_identity_new();
	assert(tls_identity_add(p->identity, buf_str(&p->pem),
		   &p->signer.signer, &why) == 0);
}

static const struct tls_identity *
identify(void *arg, struct str name)
{
	const struct party *p = arg;

	(void)name;
	return p == &desk.server && desk.has_no_keys ? NULL : p->identity;
}

void
desk_tls_open(struct server *s)
{
	BUF_CLEANUP struct buf why = {0};
	struct starttls_ca ca = {STR_NONE, STR_NONE};

	buf_init(&why, 4096);
	party_init(&desk.server, "mail.example.com");
	party_init(&desk.client, "client.example");
	desk.has_no_keys = false;
	if (conf_str(s->conf, PARAM_smtpd_tls_CAfile).len > 0)
		ca.named = buf_str(&desk.client.pem);
	if (!starttls_init(&s->starttls, s->conf, STR("smtp"), &ca, identify,
		&desk.server, &s->arena, &why)) {
		(void)fprintf(stderr, "%s\n", why.p);
		abort();
	}
}

void
desk_tls_close(void)
{
	tls_identity_free(&desk.server.identity);
	tls_identity_free(&desk.client.identity);
	while (desk.ncontexts > 0)
		tls_context_free(&desk.contexts[--desk.ncontexts]);
}

/* By another way than tls_fingerprint(). */
struct str
desk_tls_print(bool of_key)
{
	static char text[3 * 32 + 1];
	unsigned char digest[32], *der = NULL;
	BIO *in;
	X509 *x;
	int n;

	make_party(&desk.client, "client.example");
	in = BIO_new_mem_buf(desk.client.pem.p, (int)desk.client.pem.len);
	x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	n = of_key ? i2d_PUBKEY(desk.client.key, &der) : i2d_X509(x, &der);
	assert(n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(),
			    NULL) == 1);
	for (int i = 0; i < 32; i++)
		(void)snprintf(text + 3 * i, 4, "%02X:", digest[i]);
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(in);
	return str_n(text, 3 * 32 - 1);
}

void
desk_tls_keys(bool has_keys)
{
	desk.has_no_keys = !has_keys;
}

int
desk_tls_connect(struct stream *client, struct str how, struct buf *why)
{
	struct tls_settings settings = {.role = TLS_CLIENT};
	struct tls_ask ask = {0};
	struct str word;
	struct tls_context *c;

	while ((word = str_word(&how, " ")).len > 0)
		if (str_eq(word, STR("1.2"))) {
			settings.grade.max = TLS_1_2;
		} else if (str_eq(word, STR("cert"))) {
			settings.identify = identify;
			settings.identify_arg = &desk.client;
		} else {
			abort();
		}
	c = tls_context_new(&settings, why);
	assert(c != NULL && desk.ncontexts < 8);
	desk.contexts[desk.ncontexts++] = c;
	return tls_connect(client, c, &ask, why);
}
