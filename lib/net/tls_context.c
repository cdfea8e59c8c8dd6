/* SPDX-License-Identifier: ISC */
/*
 * tls_context - from settings to an SSL_CTX: protocols, ciphers, who vouches
 * for peers, whom we are for a name, and the keys of session tickets.
 */
#include "base/log.h"
#include "net/tls_impl.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define CIPHERS_MAX (64 * 1024)

struct tls_context *
tls_context_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

void
tls_take_errors(struct buf *why)
{
	const char *file, *data;
	int line, flags;
	unsigned long e;

	while (
	    (e = ERR_get_error_all(&file, &line, NULL, &data, &flags)) != 0) {
		char text[256];

		ERR_error_string_n(e, text, sizeof(text));
		if (why->len > 0)
			buf_add_char(why, '\n');
		buf_addf(why, "%s:%s:%d:", text, file, line);
		if ((flags & ERR_TXT_STRING) != 0 && *data != '\0')
			buf_addf(why, "%s:", data);
	}
}

/* ---- what the library calls back ---- */

/* The certificate is due, the client's wishes are known. */
static int
show_identity(SSL *ssl, void *arg)
{
	struct tls_context *c = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_identity *id;
	bool is_shown;

	id = c->identify(
	    c->identify_arg, str_c(c->role == TLS_SERVER ? name : NULL));
	ERR_clear_error(); /* of others, while it waited */
	is_shown = id != NULL && tls_identity_show(id, ssl);
	return is_shown || c->role == TLS_CLIENT;
}

/*
 * Look at a peer's certificate and go on: tls_info() tells.  Who goes on hears
 * of a chain that was not followed to its end that its issuer is not known.
 */
static int
go_on(int ok, X509_STORE_CTX *store)
{
	int error = X509_STORE_CTX_get_error(store);
	const SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (ok == 0 &&
	    (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
		error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT) &&
	    X509_STORE_CTX_get_error_depth(store) > SSL_get_verify_depth(ssl))
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_CHAIN_TOO_LONG);
	return 1;
}

/* SECURITY: a client that speaks another protocol was led here by somebody
 * who hopes that our answers mean something in it (ALPACA). */
static int
choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned n, void *arg)
{
	static const unsigned char smtp[] = "\4smtp";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, ret_len, smtp, sizeof(smtp) - 1,
		offered, n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
start_ticket(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    const struct tls_ticket_key *key, const unsigned char *iv, int is_new)
{
	char digest[] = "SHA256";
	unsigned char secret[sizeof(key->mac)];
	OSSL_PARAM params[3];
	int ok;

	memcpy(secret, key->mac, sizeof(secret));
	params[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_MAC_PARAM_KEY, secret, sizeof(secret));
	params[1] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1);
	params[2] = OSSL_PARAM_construct_end();
	ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv,
		 is_new) == 1 &&
	     EVP_MAC_CTX_set_params(mac, params) == 1;
	explicit_bzero(secret, sizeof(secret));
	return ok;
}

/* 1: go on; 2: go on, and make the client a new ticket; 0: not one of ours;
 * -1: cannot. */
static int
use_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	const struct tls_context *c = tls_context_of(ssl);
	size_t i = 0;

	if (is_new) {
		if (c->nkeys == 0)
			return 0;
		if (RAND_bytes(
			iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		memcpy(name, c->keys[0].name, sizeof(c->keys[0].name));
	} else {
		while (i < c->nkeys && memcmp(name, c->keys[i].name,
					   sizeof(c->keys[i].name)) != 0)
			i++;
		if (i == c->nkeys)
			return 0;
	}
	if (!start_ticket(cipher, mac, &c->keys[i], iv, is_new))
		return -1;
	return i == 0 ? 1 : 2;
}

/* ---- settings ---- */

/*
 * SECURITY: a server's key signs and does not decrypt, and a server has one:
 * so there is no key exchange without forward secrecy, none without a
 * certificate, and none without a cipher.
 */
#define NEVER_SERVED "!kRSA:!aNULL:!eNULL:!kPSK:!kRSAPSK:!kSRP"

static bool
set_ciphers(struct tls_context *c, const char *list)
{
	BUF_CLEANUP struct buf all = {0};

	if (c->role == TLS_CLIENT && list == NULL)
		return true;
	buf_init(&all, CIPHERS_MAX);
	buf_add_c(&all, list == NULL ? "DEFAULT" : list);
	if (c->role == TLS_SERVER)
		buf_add_c(&all, ":" NEVER_SERVED);
	if (!all.full && SSL_CTX_set_cipher_list(c->ctx, all.p) == 1)
		return true;
	log_error("TLS: no cipher of this list is known here: %s", all.p);
	return false;
}

static bool
set_grade(struct tls_context *c, const struct tls_grade *g)
{
	int min = g->min > TLS_1_2 ? g->min : TLS_1_2;

	return SSL_CTX_set_min_proto_version(c->ctx, min) == 1 &&
	       SSL_CTX_set_max_proto_version(c->ctx, g->max) == 1 &&
	       set_ciphers(c, g->ciphers);
}

/* Newer ones than the library's are named where several hosts share a main.cf.
 */
static bool
set_groups(SSL_CTX *ctx, const char *list)
{
	BUF_CLEANUP struct buf known = {0};
	struct str rest = str_c(list), name;

	if (list == NULL)
		return true;
	buf_init(&known, CIPHERS_MAX);
	while ((name = str_word(&rest, ":")).len > 0) {
		size_t before = known.len;

		buf_addf(&known, before > 0 ? ":%.*s" : "%.*s", STR_ARG(name));
		if (!known.full && SSL_CTX_set1_groups_list(ctx,
				       known.p + before + (before > 0)) == 1)
			continue;
		log_warning("TLS: the group %.*s is not known here: left out",
		    STR_ARG(name));
		buf_cut(&known, before);
	}
	if (known.len == 0)
		return false;
	ERR_clear_error();
	return SSL_CTX_set1_groups_list(ctx, known.p) == 1;
}

/* Whom to trust; a server may also name them to clients. */
static bool
set_authorities(struct tls_context *c, struct str pem, bool are_named)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);
	BIO *in;
	bool ok;
	X509 *x;

	if (pem.len == 0 || pem.len > INT_MAX)
		return pem.len == 0;
	in = BIO_new_mem_buf(pem.p, (int)pem.len);
	ok = in != NULL;

	while (ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		ok = X509_STORE_add_cert(store, x) == 1 &&
		     (!are_named || SSL_CTX_add_client_CA(c->ctx, x) == 1);
		X509_free(x);
	}
	BIO_free(in);
	if (ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		ERR_clear_error(); /* the end */
	return ok && ERR_peek_error() == 0;
}

static bool
set_peer(struct tls_context *c, const struct tls_settings *s)
{
	int mode = SSL_VERIFY_PEER;

	if (s->role == TLS_SERVER && s->peer == TLS_PEER_NONE)
		mode = SSL_VERIFY_NONE;
	if (s->role == TLS_SERVER && s->peer == TLS_PEER_REQUIRE)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(c->ctx, mode, go_on);
	SSL_CTX_set_verify_depth(c->ctx, s->verify_depth + 1);
	return set_authorities(c, s->ca, false) &&
	       set_authorities(c, s->ca_named, true);
}

/* Sessions carry the service's name, and one of another is not taken. */
static bool
set_service(SSL_CTX *ctx, struct str service)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned n;

	return EVP_Digest(service.p, service.len, id, &n, EVP_sha256(), NULL) ==
	           1 &&
	       SSL_CTX_set_session_id_context(ctx, id, n) == 1;
}

static bool
set_server(struct tls_context *c, const struct tls_settings *s)
{
	SSL_CTX *ctx = c->ctx;

	if (s->prefers_own)
		SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if ((s->options & TLS_CHACHA_FIRST) != 0)
		SSL_CTX_set_options(ctx, SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	tls_context_tickets(c, NULL, 0, 0);
	return SSL_CTX_set_dh_auto(ctx, 1) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket_key) == 1 &&
	       set_service(ctx, s->service);
}

static bool
set_all(struct tls_context *c, const struct tls_settings *s)
{
	SSL_CTX *ctx = c->ctx;

	SSL_CTX_set_app_data(ctx, c);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_CLEANSE_PLAINTEXT |
				     SSL_OP_NO_COMPRESSION | SSL_OP_ALL);
	if ((s->options & TLS_NO_TICKETS) != 0)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if ((s->options & TLS_OLD_SERVERS) != 0)
		SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (s->identify != NULL)
		SSL_CTX_set_cert_cb(ctx, show_identity, c);
	return set_grade(c, &s->grade) && set_groups(ctx, s->groups) &&
	       set_peer(c, s) && (s->role == TLS_CLIENT || set_server(c, s));
}

struct tls_context *
tls_context_new(const struct tls_settings *s, struct buf *why)
{
	struct tls_context *c = calloc(1, sizeof(*c));

	if (c == NULL)
		log_fatal("out of memory for TLS");
	c->role = s->role;
	c->identify = s->identify;
	c->identify_arg = s->identify_arg;
	c->has_no_tickets = (s->options & TLS_NO_TICKETS) != 0;
	ERR_clear_error();
	c->ctx = SSL_CTX_new(
	    s->role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	if (c->ctx == NULL || !set_all(c, s)) {
		tls_take_errors(why);
		tls_context_free(&c);
	}
	return c;
}

void
tls_context_free(struct tls_context **c)
{
	if (*c == NULL)
		return;
	SSL_CTX_free((*c)->ctx);
	explicit_bzero(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

void
tls_context_tickets(struct tls_context *c, const struct tls_ticket_key *keys,
    size_t n, long lifetime)
{
	if (c->has_no_tickets)
		n = 0;
	if (n > TLS_TICKET_KEYS_MAX)
		n = TLS_TICKET_KEYS_MAX;
	explicit_bzero(c->keys, sizeof(c->keys));
	if (n > 0)
		memcpy(c->keys, keys, n * sizeof(*keys));
	c->nkeys = n;
	if (n == 0) {
		SSL_CTX_set_options(c->ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(c->ctx, 0);
		return;
	}
	SSL_CTX_clear_options(c->ctx, SSL_OP_NO_TICKET);
	/* A mail client has one connection at a time: one is enough. */
	SSL_CTX_set_num_tickets(c->ctx, 1);
	SSL_CTX_set_timeout(c->ctx, lifetime);
}
