/* SPDX-License-Identifier: ISC */
/* chain - keys and certificates out of PEM. */
#include "chain.h"

#include "scheme.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* ---- chains ---- */

struct chain *
chain_ref(struct chain *c)
{
	c->refs++;
	return c;
}

void
chain_unref(struct chain **cp)
{
	struct chain *c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0)
		return;
	EVP_PKEY_free(c->key);
	buf_done(&c->pem);
	free(c);
}

void
chain_list_done(struct chain_list *l)
{
	while (l->n > 0)
		chain_unref(&l->at[--l->n]);
}

void
chain_list_add(struct chain_list *to, const struct chain_list *from)
{
	for (size_t i = 0; i < from->n && to->n < KEYS_CHAINS_MAX; i++)
		to->at[to->n++] = chain_ref(from->at[i]);
}

struct chain *
chain_list_find(const struct chain_list *l, struct str id)
{
	for (size_t i = 0; i < l->n; i++)
		if (id.len == KEYS_ID &&
		    memcmp(id.p, l->at[i]->id, KEYS_ID) == 0)
			return l->at[i];
	return NULL;
}

bool
chain_list_eq(const struct chain_list *a, const struct chain_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(buf_str(&a->at[i]->pem), buf_str(&b->at[i]->pem)))
			return false;
	return true;
}

/* ---- reading ---- */

/* One object, as PEM_read_bio gave it. */
struct object {
	char *name, *header;
	unsigned char *bytes;
	long len;
};

static void
object_done(struct object *o)
{
	OPENSSL_free(o->name);
	OPENSSL_free(o->header);
	OPENSSL_clear_free(o->bytes, o->len > 0 ? (size_t)o->len : 0);
	*o = (struct object){0};
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* What was read, or *ret_is_bad; neither: it is nothing that we need. */
static struct chain_item
decode(const struct object *o, bool *ret_is_bad)
{
	static const char *const keys[] = {
	    "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", NULL};
	static const char *const certs[] = {
	    "CERTIFICATE", "X509 CERTIFICATE", NULL};
	const unsigned char *p = o->bytes;
	struct chain_item item = {0};

	*ret_is_bad = false;
	if (is_one_of(o->name, keys))
		item.key = d2i_AutoPrivateKey(NULL, &p, o->len);
	else if (is_one_of(o->name, certs))
		item.cert = d2i_X509(NULL, &p, o->len);
	else if (strcmp(o->name, "TRUSTED CERTIFICATE") == 0)
		item.cert = d2i_X509_AUX(NULL, &p, o->len);
	else
		return item;
	*ret_is_bad = item.key == NULL && item.cert == NULL;
	return item;
}

static bool
is_encrypted(const struct object *o)
{
	return strcmp(o->name, "ENCRYPTED PRIVATE KEY") == 0 ||
	       strstr(o->header, "ENCRYPTED") != NULL;
}

static int
take(struct chain_reader *r, const struct object *o, struct buf *why)
{
	struct chain_item item;
	bool is_bad;

	if (is_encrypted(o)) {
		buf_add_c(why, "the key is encrypted, and nobody is there to "
			       "be asked for its passphrase");
		return -EINVAL;
	}
	item = decode(o, &is_bad);
	if (is_bad) {
		buf_addf(why, "what stands there as %s is none", o->name);
		return -EINVAL;
	}
	if (item.key == NULL && item.cert == NULL)
		return 0;
	if (r->n == CHAIN_ITEMS_MAX) {
		EVP_PKEY_free(item.key);
		X509_free(item.cert);
		buf_add_c(why, "too many keys and certificates");
		return -EINVAL;
	}
	r->items[r->n++] = item;
	return 0;
}

/* 1: an object; 0: no more; -EINVAL: what looks like one is broken. */
static int
next_object(BIO *bio, struct object *o, struct buf *why)
{
	unsigned long e;

	if (PEM_read_bio(bio, &o->name, &o->header, &o->bytes, &o->len))
		return 1;
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return 0;
	buf_addf(why, "not PEM: %s", ERR_reason_error_string(e));
	return -EINVAL;
}

int
chain_reader_add(struct chain_reader *r, struct str text, struct buf *why)
{
	struct object o = {0};
	BIO *bio;
	int e = 0;

	if (text.len > CHAIN_TEXT_MAX) {
		buf_add_c(why, "too large for keys and certificates");
		return -EINVAL;
	}
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	if (bio == NULL)
		log_fatal("out of memory for a key");
	while (e == 0 && (e = next_object(bio, &o, why)) > 0) {
		e = take(r, &o, why);
		object_done(&o);
	}
	BIO_free(bio);
	ERR_clear_error();
	return e;
}

void
chain_reader_done(struct chain_reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		EVP_PKEY_free(r->items[i].key);
		X509_free(r->items[i].cert);
	}
	r->n = 0;
}

/* ---- making ---- */

static int
check_leaf(EVP_PKEY *key, const X509 *leaf, time_t now, struct buf *why)
{
	const char *text = NULL;

	if (!scheme_fits(key))
		text = "there is no use in TLS for a key of this kind";
	else if (!X509_check_private_key(leaf, key))
		text = "the certificate is not of the private key";
	else if (X509_cmp_time(X509_get0_notBefore(leaf), &now) >= 0)
		text = "the certificate is not valid yet";
	else if (X509_cmp_time(X509_get0_notAfter(leaf), &now) <= 0)
		text = "the certificate has expired";
	ERR_clear_error();
	if (text == NULL)
		return 0;
	buf_add_c(why, text);
	return -EINVAL;
}

static bool
set_id(struct chain *c, const X509 *leaf)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);

	if (len <= 0)
		return false;
	SHA256(der, (size_t)len, c->id);
	OPENSSL_free(der);
	return true;
}

static bool
set_pem(struct chain *c, const struct chain_item *certs, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio != NULL;
	char *p;
	long len;

	for (size_t i = 0; ok && i < n; i++)
		ok = PEM_write_bio_X509(bio, certs[i].cert) > 0;
	buf_init(&c->pem, KEYS_PEM_MAX);
	if (ok) {
		len = BIO_get_mem_data(bio, &p);
		ok = buf_add(&c->pem, p, (size_t)len) == 0;
	}
	BIO_free(bio);
	return ok;
}

static void
set_about(struct chain *c, const X509 *leaf)
{
	struct tm end = {0};
	char name[64];

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(leaf),
		NID_commonName, name, sizeof(name)) < 0)
		snprintf(name, sizeof(name), "(no common name)");
	ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end);
	snprintf(c->about, sizeof(c->about), "%s, valid until %d-%02d-%02d",
	    name, 1900 + end.tm_year, 1 + end.tm_mon, end.tm_mday);
}

static int
make_chain(EVP_PKEY *key, const struct chain_item *certs, size_t n, time_t now,
    struct chain_list *ret, struct buf *why)
{
	struct chain *c;

	if (n == 0) {
		buf_add_c(why, "there is no certificate for the private key");
		return -EINVAL;
	}
	if (ret->n == KEYS_CHAINS_MAX) {
		buf_add_c(why, "too many private keys");
		return -EINVAL;
	}
	if (check_leaf(key, certs[0].cert, now, why) < 0)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		log_fatal("out of memory for a key");
	c->refs = 1;
	EVP_PKEY_up_ref(key);
	c->key = key;
	if (!set_id(c, certs[0].cert) || !set_pem(c, certs, n)) {
		buf_add_c(why, "the chain of certificates is too large");
		chain_unref(&c);
		return -EINVAL;
	}
	set_about(c, certs[0].cert);
	ret->at[ret->n++] = c;
	return 0;
}

static size_t
count_certs(const struct chain_item *at, const struct chain_item *end)
{
	size_t n = 0;

	while (at + n < end && at[n].cert != NULL)
		n++;
	return n;
}

/* Keys, each before its certificates. */
static int
make_each(const struct chain_reader *r, time_t now, struct chain_list *ret,
    struct buf *why)
{
	const struct chain_item *at = r->items, *end = r->items + r->n;
	int e = 0;

	while (e == 0 && at < end) {
		size_t n = count_certs(at + 1, end);

		if (at->key == NULL) {
			buf_add_c(why, "a certificate stands before the first "
				       "private key");
			return -EINVAL;
		}
		e = make_chain(at->key, at + 1, n, now, ret, why);
		at += 1 + n;
	}
	return e;
}

static EVP_PKEY *
first_key(const struct chain_reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].key != NULL)
			return r->items[i].key;
	return NULL;
}

/* A file of certificates, in which the key may stand as well. */
static int
make_pair(const struct chain_reader *r, EVP_PKEY *key, time_t now,
    struct chain_list *ret, struct buf *why)
{
	struct chain_item certs[CHAIN_ITEMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].cert != NULL)
			certs[n++] = r->items[i];
	return make_chain(key, certs, n, now, ret, why);
}

int
chain_reader_make(const struct chain_reader *r, const struct chain_reader *key,
    time_t now, struct chain_list *ret, struct buf *why)
{
	EVP_PKEY *k = first_key(key != NULL ? key : r);
	int e = -EINVAL;

	*ret = (struct chain_list){0};
	if (k == NULL)
		buf_add_c(why, "there is no private key");
	else if (key != NULL)
		e = make_pair(r, k, now, ret, why);
	else
		e = make_each(r, now, ret, why);
	if (e < 0)
		chain_list_done(ret);
	return e;
}
