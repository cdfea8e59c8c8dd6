/* SPDX-License-Identifier: ISC */
/*
 * tls_signer - a provider of OpenSSL whose keys are a public half and a
 * tls_signer.  libssl takes such a key for a whole one because the provider
 * says so (has), and brings each signature here (digest_sign), since there is
 * nothing to export that another provider could sign with.
 *
 * Everything about the public half is answered by a second EVP_PKEY, of
 * OpenSSL's own provider.
 */
#include "base/log.h"
#include "net/tls_impl.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER   "valija-signer"
#define PROPERTIES "provider=" PROVIDER

/* Our one parameter of an import: a pointer to an offer. */
#define PARAM_SIGNER "valija-signer"

/* A signer, until a key has taken it. */
struct offer {
	struct tls_signer *signer;
};

/* ---- keys ---- */

struct key {
	const char *type;
	EVP_PKEY *public; /* NULL until imported */
	struct tls_signer *signer;
};

static void *
new_key(const char *type)
{
	struct key *k = calloc(1, sizeof(*k));

	if (k == NULL)
		log_fatal("out of memory for a key");
	k->type = type;
	return k;
}

static void *
new_rsa(void *provider)
{
	(void)provider;
	return new_key("RSA");
}

static void *
new_ec(void *provider)
{
	(void)provider;
	return new_key("EC");
}

static void *
new_ed25519(void *provider)
{
	(void)provider;
	return new_key("ED25519");
}

static void
free_key(void *key)
{
	struct key *k = key;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->public);
	if (k->signer != NULL)
		k->signer->free(k->signer);
	free(k);
}

static int
has_parts(const void *key, int selection)
{
	const struct key *k = key;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 &&
	    k->signer == NULL)
		return 0;
	return k->public != NULL;
}

static int
match_keys(const void *a, const void *b, int selection)
{
	const struct key *ka = a, *kb = b;

	(void)selection; /* there is a public half, or nothing */
	return EVP_PKEY_eq(ka->public, kb->public) == 1;
}

static int
import_key(void *key, int selection, const OSSL_PARAM params[])
{
	struct key *k = key;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_SIGNER);
	EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_name(NULL, k->type, "provider=default");
	const void *at = NULL;
	size_t n;
	int ok;

	(void)selection;
	/* OpenSSL does not write to what it takes as its own here. */
	ok = c != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	     EVP_PKEY_fromdata(c, &k->public, EVP_PKEY_PUBLIC_KEY,
		 (OSSL_PARAM *)(uintptr_t)params) == 1;
	EVP_PKEY_CTX_free(c);
	if (!ok)
		return 0;
	if (p != NULL && OSSL_PARAM_get_octet_ptr(p, &at, &n) == 1) {
		struct offer *offer = (struct offer *)(uintptr_t)at;

		k->signer = offer->signer;
		offer->signer = NULL;
	}
	return 1;
}

/* The public half, for a comparison; whoever wants all gets nothing. */
static int
export_key(void *key, int selection, OSSL_CALLBACK *take, void *arg)
{
	const struct key *k = key;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return EVP_PKEY_export(k->public, EVP_PKEY_PUBLIC_KEY, take, arg);
}

/* libcrypto wants a list, and does not look into it. */
static const OSSL_PARAM *
list_types(int selection)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_octet_ptr(PARAM_SIGNER, NULL, 0), OSSL_PARAM_END};

	(void)selection;
	return types;
}

static int
get_params(void *key, OSSL_PARAM params[])
{
	const struct key *k = key;

	return k->public != NULL && EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *
list_params(void *provider)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_END};

	(void)provider;
	return list;
}

static const char *
name_ec_signature(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

/* ---- signatures ---- */

struct signing {
	struct key *key; /* held by whoever signs */
	int digest;      /* its bits; 0: the scheme has none */
	bool is_pss;
	bool is_refused; /* parameters that no scheme of ours has */
};

static void *
new_signing(void *provider, const char *properties)
{
	struct signing *g = calloc(1, sizeof(*g));

	(void)provider;
	(void)properties;
	if (g == NULL)
		log_fatal("out of memory for a signature");
	return g;
}

static void
free_signing(void *signing)
{
	free(signing);
}

static int
digest_bits(const char *name)
{
	static const struct {
		const char *name;
		int bits;
	} known[] = {{"SHA256", 256}, {"SHA2-256", 256}, {"SHA384", 384},
	    {"SHA2-384", 384}, {"SHA512", 512}, {"SHA2-512", 512}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcasecmp(name, known[i].name) == 0)
			return known[i].bits;
	return -1;
}

static bool
is_salt_as_digest(const OSSL_PARAM *p)
{
	int salt;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return OSSL_PARAM_get_int(p, &salt) && salt == RSA_PSS_SALTLEN_DIGEST;
}

static int
set_padding(struct signing *g, const OSSL_PARAM *p)
{
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			mode = RSA_PKCS1_PSS_PADDING;
		else if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			mode = RSA_PKCS1_PADDING;
	} else if (!OSSL_PARAM_get_int(p, &mode)) {
		return 0;
	}
	g->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return g->is_pss || mode == RSA_PKCS1_PADDING;
}

static int
set_signing(void *signing, const OSSL_PARAM params[])
{
	struct signing *g = signing;
	int ok = 1;

	if (params == NULL)
		return 1;
	for (const OSSL_PARAM *p = params; p->key != NULL; p++)
		if (strcmp(p->key, OSSL_SIGNATURE_PARAM_PAD_MODE) == 0)
			ok = ok && set_padding(g, p);
		else if (strcmp(p->key, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) == 0)
			ok = ok && is_salt_as_digest(p);
	g->is_refused = !ok;
	return ok;
}

static const OSSL_PARAM *
list_signing(void *signing, void *provider)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_END};

	(void)signing;
	(void)provider;
	return list;
}

static int
start_signing(
    void *signing, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *g = signing;

	g->key = key;
	g->digest = 0;
	if (digest != NULL && *digest != '\0')
		g->digest = digest_bits(digest);
	return g->digest >= 0 && set_signing(g, params);
}

/* 0: nothing that we sign with, SHA-1 for one. */
static enum tls_scheme
scheme_of(const struct signing *g)
{
	static const struct {
		const char *type;
		bool is_pss;
		int digest;
		enum tls_scheme scheme;
	} schemes[] = {
	    {"RSA", false, 256, TLS_RSA_PKCS1_SHA256},
	    {"RSA", false, 384, TLS_RSA_PKCS1_SHA384},
	    {"RSA", false, 512, TLS_RSA_PKCS1_SHA512},
	    {"RSA", true, 256, TLS_RSA_PSS_SHA256},
	    {"RSA", true, 384, TLS_RSA_PSS_SHA384},
	    {"RSA", true, 512, TLS_RSA_PSS_SHA512},
	    {"EC", false, 256, TLS_ECDSA_SHA256},
	    {"EC", false, 384, TLS_ECDSA_SHA384},
	    {"EC", false, 512, TLS_ECDSA_SHA512},
	    {"ED25519", false, 0, TLS_ED25519},
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (strcmp(schemes[i].type, g->key->type) == 0 &&
		    schemes[i].is_pss == g->is_pss &&
		    schemes[i].digest == g->digest)
			return schemes[i].scheme;
	return (enum tls_scheme)0;
}

/* Called once without room for the length, and once with it. */
static int
sign(void *signing, unsigned char *ret, size_t *ret_len, size_t room,
    const unsigned char *message, size_t n)
{
	struct signing *g = signing;
	struct tls_signer *s = g->key->signer;
	enum tls_scheme scheme = scheme_of(g);
	BUF_CLEANUP struct buf signature = {0};
	int r = -EINVAL;

	if (s == NULL || g->is_refused || (int)scheme == 0)
		return 0;
	if (ret == NULL) {
		*ret_len = (size_t)EVP_PKEY_get_size(g->key->public);
		return 1;
	}
	buf_init(&signature, TLS_SIGNATURE_MAX);
	if (n <= TLS_MESSAGE_MAX)
		r = s->sign(
		    s, scheme, str_n((const char *)message, n), &signature);
	/* While it waited others used this thread's queue of errors. */
	ERR_clear_error();
	if (r < 0 || signature.len > room) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL,
		    "the key's holder does not sign: %s", strerror(-r));
		return 0;
	}
	memcpy(ret, signature.p, signature.len);
	*ret_len = signature.len;
	return 1;
}

/* ---- what there is ---- */

/* OpenSSL keeps all functions as void (*)(void). */
#define FN(name, fn)                                                           \
	{                                                                      \
		OSSL_FUNC_##name, (void (*)(void))(fn)                         \
	}

#define KEYS_OF(new)                                                           \
	FN(KEYMGMT_NEW, new), FN(KEYMGMT_FREE, free_key),                      \
	    FN(KEYMGMT_HAS, has_parts), FN(KEYMGMT_MATCH, match_keys),         \
	    FN(KEYMGMT_IMPORT, import_key),                                    \
	    FN(KEYMGMT_IMPORT_TYPES, list_types),                              \
	    FN(KEYMGMT_EXPORT, export_key),                                    \
	    FN(KEYMGMT_EXPORT_TYPES, list_types),                              \
	    FN(KEYMGMT_GET_PARAMS, get_params),                                \
	    FN(KEYMGMT_GETTABLE_PARAMS, list_params)

static const OSSL_DISPATCH rsa_keys[] = {KEYS_OF(new_rsa), {0, NULL}};
static const OSSL_DISPATCH ec_keys[] = {KEYS_OF(new_ec),
    FN(KEYMGMT_QUERY_OPERATION_NAME, name_ec_signature), {0, NULL}};
static const OSSL_DISPATCH ed25519_keys[] = {KEYS_OF(new_ed25519), {0, NULL}};

static const OSSL_DISPATCH signatures[] = {FN(SIGNATURE_NEWCTX, new_signing),
    FN(SIGNATURE_FREECTX, free_signing),
    FN(SIGNATURE_DIGEST_SIGN_INIT, start_signing),
    FN(SIGNATURE_DIGEST_SIGN, sign), FN(SIGNATURE_SET_CTX_PARAMS, set_signing),
    FN(SIGNATURE_SETTABLE_CTX_PARAMS, list_signing), {0, NULL}};

static const OSSL_ALGORITHM all_keys[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_keys, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ec_keys, NULL},
    {"ED25519:1.3.101.112", PROPERTIES, ed25519_keys, NULL},
    {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM all_signatures[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, signatures, NULL},
    {"ECDSA", PROPERTIES, signatures, NULL},
    {"ED25519:1.3.101.112", PROPERTIES, signatures, NULL},
    {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_store)
{
	(void)provider;
	*no_store = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return all_keys;
	return operation == OSSL_OP_SIGNATURE ? all_signatures : NULL;
}

static int
start_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
	    FN(PROVIDER_QUERY_OPERATION, query), {0, NULL}};

	(void)in;
	*out = functions;
	*ret_provider = (void *)(uintptr_t)handle; /* any but NULL */
	return 1;
}

/* Once a process.  The library's own is preferred for everything else, since
 * to load any provider by name ends its being loaded by itself. */
static bool
load_provider(void)
{
	static OSSL_PROVIDER *own, *ours;

	if (own == NULL)
		own = OSSL_PROVIDER_load(NULL, "default");
	if (ours == NULL &&
	    OSSL_PROVIDER_add_builtin(NULL, PROVIDER, start_provider) == 1 &&
	    EVP_set_default_properties(NULL, "?provider=default") == 1)
		ours = OSSL_PROVIDER_load(NULL, PROVIDER);
	return own != NULL && ours != NULL;
}

/* ---- from a public half to a key ---- */

static EVP_PKEY *
make_key(EVP_PKEY *public, const char *type, struct offer *offer)
{
	const void *p = offer;
	OSSL_PARAM ours[] = {
	    OSSL_PARAM_octet_ptr(PARAM_SIGNER, &p, sizeof(p)), OSSL_PARAM_END};
	OSSL_PARAM *params = NULL, *all = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTIES);
	EVP_PKEY *key = NULL;

	if (c != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) == 1)
		all = OSSL_PARAM_merge(params, ours);
	if (all != NULL &&
	    EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	OSSL_PARAM_free(all);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	return key;
}

EVP_PKEY *
tls_signer_key(EVP_PKEY *public, struct tls_signer *signer, struct buf *why)
{
	static const char *const types[] = {"RSA", "EC", "ED25519"};
	struct offer offer = {signer};
	EVP_PKEY *key = NULL;

	ERR_clear_error();
	if (load_provider())
		for (size_t i = 0; i < 3 && key == NULL; i++)
			if (EVP_PKEY_is_a(public, types[i]))
				key = make_key(public, types[i], &offer);
	if (offer.signer != NULL)
		offer.signer->free(offer.signer);
	if (key == NULL) {
		tls_take_errors(why);
		if (why->len == 0)
			buf_add_c(why, "a key of a type that is not used here");
	}
	return key;
}
