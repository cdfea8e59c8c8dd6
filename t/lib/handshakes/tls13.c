/* SPDX-License-Identifier: ISC */
/* tls13 - TLS_AES_128_GCM_SHA256. */
#include "shake.h"

#include <openssl/rand.h>
#include <string.h>

#define SUITE   0x1301
#define RANDOM  32
#define BINDER  (2 + 1 + CRYPTO_HASH) /* the list of one */
#define PSK_DHE 1

static const struct part nothing = {NULL, 0};

/* SHA-256 of it. */
static const unsigned char of_nothing[CRYPTO_HASH] = {0xe3, 0xb0, 0xc4, 0x42,
    0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
    0x78, 0x52, 0xb8, 0x55};

struct schedule { /* RFC 8446 section 7.1 */
	struct conn *conn;
	unsigned char secret[CRYPTO_HASH]; /* early, handshake, master */
	unsigned char client[CRYPTO_HASH], server[CRYPTO_HASH];
};

/* ---- secrets ---- */

/* Derive-Secret, of the messages so far. */
static void
derive(struct schedule *s, const char *label, unsigned char ret[CRYPTO_HASH])
{
	unsigned char hash[CRYPTO_HASH];

	crypto_hash(s->conn->crypto, hash);
	crypto_expand(s->conn->crypto, s->secret, label,
	    (struct part){hash, sizeof(hash)}, ret, CRYPTO_HASH);
}

/* From one secret to the next, with what was agreed on. */
static void
go_on(struct schedule *s, const unsigned char agreed[CRYPTO_HASH])
{
	unsigned char salt[CRYPTO_HASH];
	struct part in = {agreed, CRYPTO_HASH};

	crypto_expand(s->conn->crypto, s->secret, "derived",
	    (struct part){of_nothing, CRYPTO_HASH}, salt, sizeof(salt));
	crypto_hmac(s->conn->crypto, (struct part){salt, sizeof(salt)}, &in, 1,
	    s->secret);
}

static void
begin(struct schedule *s, const unsigned char psk[CRYPTO_HASH])
{
	struct part in = {psk, CRYPTO_HASH};

	crypto_hmac(s->conn->crypto, nothing, &in, 1, s->secret);
}

static void
start_direction(struct schedule *s, struct direction *d,
    const unsigned char secret[CRYPTO_HASH])
{
	crypto_expand(
	    s->conn->crypto, secret, "key", nothing, d->key, CRYPTO_KEY);
	crypto_expand(s->conn->crypto, secret, "iv", nothing, d->iv, CRYPTO_IV);
	d->count = 0;
	d->is_encrypted = true;
}

/* Section 4.4.4; also of a binder. */
static void
make_finished(struct schedule *s, const unsigned char secret[CRYPTO_HASH],
    unsigned char ret[CRYPTO_HASH])
{
	unsigned char key[CRYPTO_HASH], hash[CRYPTO_HASH];
	struct part messages = {hash, sizeof(hash)};

	crypto_hash(s->conn->crypto, hash);
	crypto_expand(
	    s->conn->crypto, secret, "finished", nothing, key, sizeof(key));
	crypto_hmac(s->conn->crypto, (struct part){key, sizeof(key)}, &messages,
	    1, ret);
}

/* ---- hello ---- */

static void
offer_13(struct out *o, const struct crypto *crypto)
{
	size_t ext;

	out_number(o, 2, EXT_VERSIONS);
	out_number(o, 2, 3);
	out_number(o, 1, 2);
	out_number(o, 2, 0x0304);
	out_number(o, 2, EXT_PSK_MODES);
	out_number(o, 2, 2);
	out_number(o, 1, 1);
	out_number(o, 1, PSK_DHE);
	out_number(o, 2, EXT_SHARE);
	ext = out_open(o, 2);
	out_number(o, 2, 2 + 2 + CRYPTO_SHARE);
	out_number(o, 2, GROUP_X25519);
	out_number(o, 2, CRYPTO_SHARE);
	out_add(o, crypto->share, CRYPTO_SHARE);
	out_close(o, ext, 2);
}

/* The last extension (section 4.2.11); its binder is still to come. */
static void
offer_ticket(struct out *o, const struct ticket *t)
{
	static const unsigned char binder[BINDER] = {
	    0, 1 + CRYPTO_HASH, CRYPTO_HASH};
	size_t ext, list;

	out_number(o, 2, EXT_PSK);
	ext = out_open(o, 2);
	list = out_open(o, 2);
	out_number(o, 2, t->n);
	out_add(o, t->bytes, t->n);
	out_number(o, 4, (uint32_t)(shake_now() - t->since) + t->age_add);
	out_close(o, list, 2);
	out_add(o, binder, BINDER);
	out_close(o, ext, 2);
}

/* Section 4.2.11.2: the binder is of all that stands before it. */
static void
bind_ticket(struct schedule *s, struct out *hello)
{
	struct crypto *crypto = s->conn->crypto;
	unsigned char key[CRYPTO_HASH];
	size_t n = hello->n - BINDER;

	crypto_expand(crypto, s->secret, "res binder",
	    (struct part){of_nothing, CRYPTO_HASH}, key, sizeof(key));
	crypto_add(crypto, hello->p, n);
	make_finished(s, key, hello->p + hello->n - CRYPTO_HASH);
	crypto_add(crypto, hello->p + n, BINDER);
}

static void
say_hello(struct schedule *s, const struct ticket *ticket)
{
	struct out hello = {0}, record = {0};
	unsigned char random[RANDOM];
	size_t all, list;

	RAND_bytes(random, sizeof(random));
	out_number(&hello, 1, HELLO_CLIENT);
	all = out_open(&hello, 3);
	out_number(&hello, 2, 0x0303);
	out_add(&hello, random, RANDOM);
	out_number(&hello, 1, 0); /* no session's name */
	out_number(&hello, 2, 2);
	out_number(&hello, 2, SUITE);
	out_number(&hello, 2, 0x0100); /* no compression */
	list = out_open(&hello, 2);
	shake_offer(&hello);
	offer_13(&hello, s->conn->crypto);
	if (ticket->n > 0)
		offer_ticket(&hello, ticket);
	out_close(&hello, list, 2);
	out_close(&hello, all, 3);
	if (ticket->n > 0)
		bind_ticket(s, &hello);
	else
		crypto_add(s->conn->crypto, hello.p, hello.n);
	conn_record(s->conn, &record, CONTENT_HANDSHAKE, hello.p, hello.n);
	conn_send(s->conn, &record);
}

/* The server's share; did it take the ticket? */
static bool
hear_hello(struct schedule *s, unsigned char ret_agreed[CRYPTO_HASH])
{
	struct in hello = shake_expect(s->conn, HELLO_SERVER, "ServerHello");
	struct in list, share = {0};
	bool has_psk = false;

	in_number(&hello, 2);
	in_take(&hello, RANDOM);
	in_field(&hello, 1);
	if (in_number(&hello, 2) != SUITE)
		die("another cipher suite");
	in_number(&hello, 1);
	list = in_field(&hello, 2);
	while (list.n > 0) {
		uint64_t type = in_number(&list, 2);
		struct in ext = in_field(&list, 2);

		if (type == EXT_PSK)
			has_psk = true;
		if (type == EXT_SHARE && in_number(&ext, 2) == GROUP_X25519)
			share = in_field(&ext, 2);
	}
	if (share.n != CRYPTO_SHARE)
		die("no share of X25519");
	crypto_agree(s->conn->crypto, share.p, ret_agreed);
	return has_psk;
}

/* ---- what comes encrypted ---- */

static void
hear_flight(struct schedule *s, bool is_resumed)
{
	unsigned char must[CRYPTO_HASH];
	struct in finished;

	shake_expect(s->conn, ENCRYPTED_EXTENSIONS, "EncryptedExtensions");
	if (!is_resumed) {
		shake_expect(s->conn, CERTIFICATE, "Certificate");
		shake_expect(s->conn, CERTIFICATE_VERIFY, "CertificateVerify");
	}
	make_finished(s, s->server, must);
	finished = shake_expect(s->conn, FINISHED, "Finished");
	shake_check(finished, must, sizeof(must));
}

static void
finish(struct schedule *s)
{
	unsigned char message[4 + CRYPTO_HASH] = {FINISHED, 0, 0, CRYPTO_HASH};
	struct out flight = {0};

	make_finished(s, s->client, message + 4);
	conn_record(
	    s->conn, &flight, CONTENT_HANDSHAKE, message, sizeof(message));
	conn_send(s->conn, &flight);
	crypto_add(s->conn->crypto, message, sizeof(message));
}

/* Section 4.6.1. */
static void
hear_ticket(struct schedule *s, const unsigned char resumption[CRYPTO_HASH],
    struct ticket *ret)
{
	struct message m = conn_message(s->conn);
	struct in nonce, bytes;

	if (m.type != NEW_TICKET)
		die("a ticket is due, and message %d came", m.type);
	in_number(&m.body, 4);
	ret->age_add = (uint32_t)in_number(&m.body, 4);
	nonce = in_field(&m.body, 1);
	bytes = in_field(&m.body, 2);
	if (bytes.n > sizeof(ret->bytes) || nonce.n > CRYPTO_HASH)
		die("a ticket of %zu bytes", bytes.n);
	ret->n = bytes.n;
	memcpy(ret->bytes, bytes.p, bytes.n);
	ret->since = shake_now();
	crypto_expand(s->conn->crypto, resumption, "resumption",
	    (struct part){nonce.p, nonce.n}, ret->secret, CRYPTO_HASH);
}

void
shake_13(struct conn *c, struct ticket *ticket, bool wants)
{
	static const unsigned char zeros[CRYPTO_HASH];
	bool is_resumed = ticket->n > 0;
	struct schedule s = {.conn = c};
	unsigned char agreed[CRYPTO_HASH], traffic[CRYPTO_HASH];
	unsigned char resumption[CRYPTO_HASH];

	crypto_begin(c->crypto);
	begin(&s, is_resumed ? ticket->secret : zeros);
	say_hello(&s, ticket);
	if (hear_hello(&s, agreed) != is_resumed)
		die("the server does not take its ticket");
	go_on(&s, agreed);
	derive(&s, "c hs traffic", s.client);
	derive(&s, "s hs traffic", s.server);
	start_direction(&s, &c->read, s.server);
	hear_flight(&s, is_resumed);
	start_direction(&s, &c->write, s.client);
	if (!wants) {
		finish(&s);
		return;
	}
	/* only who wants a ticket has to read on */
	go_on(&s, zeros);
	derive(&s, "s ap traffic", traffic);
	finish(&s);
	derive(&s, "res master", resumption);
	start_direction(&s, &c->read, traffic);
	hear_ticket(&s, resumption, ticket);
}
