/* SPDX-License-Identifier: ISC */
/* tls12 - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256. */
#include "shake.h"

#include <openssl/rand.h>
#include <string.h>

#define SUITE    0xc02b
#define RANDOM   32
#define VERIFY   12 /* bytes of a Finished */
#define KEYS     (2 * CRYPTO_KEY + 2 * 4)
#define ON_CURVE 3 /* named_curve */

struct session {
	struct conn *conn;
	unsigned char client[RANDOM], server[RANDOM];
	unsigned char master[SHAKE_MASTER];
};

static void
say_hello(struct session *s, const struct ticket *ticket)
{
	struct out hello = {0}, record = {0};
	size_t all, list;

	RAND_bytes(s->client, sizeof(s->client));
	out_number(&hello, 1, HELLO_CLIENT);
	all = out_open(&hello, 3);
	out_number(&hello, 2, 0x0303);
	out_add(&hello, s->client, RANDOM);
	/* RFC 5077 section 3.4: a server that takes the ticket says it again */
	out_number(&hello, 1, ticket->n > 0 ? RANDOM : 0);
	out_add(&hello, s->client, ticket->n > 0 ? RANDOM : 0);
	out_number(&hello, 2, 2);
	out_number(&hello, 2, SUITE);
	out_number(&hello, 2, 0x0100); /* no compression */
	list = out_open(&hello, 2);
	shake_offer(&hello);
	out_number(&hello, 2, EXT_POINTS);
	out_number(&hello, 2, 2);
	out_number(&hello, 2, 0x0100);
	out_number(&hello, 2, EXT_RENEGOTIATION);
	out_number(&hello, 2, 1);
	out_number(&hello, 1, 0);
	out_number(&hello, 2, EXT_TICKET);
	out_number(&hello, 2, ticket->n);
	out_add(&hello, ticket->bytes, ticket->n);
	out_close(&hello, list, 2);
	out_close(&hello, all, 3);
	crypto_add(s->conn->crypto, hello.p, hello.n);
	conn_record(s->conn, &record, CONTENT_HANDSHAKE, hello.p, hello.n);
	conn_send(s->conn, &record);
}

/* Did it take up the session? */
static bool
hear_hello(struct session *s)
{
	struct in hello = shake_expect(s->conn, HELLO_SERVER, "ServerHello");
	struct in id;

	in_number(&hello, 2);
	memcpy(s->server, in_take(&hello, RANDOM).p, RANDOM);
	id = in_field(&hello, 1);
	if (in_number(&hello, 2) != SUITE)
		die("another cipher suite");
	return id.n == RANDOM && memcmp(id.p, s->client, RANDOM) == 0;
}

/* The server's key pair, and with ours the master secret. */
static void
agree(struct session *s)
{
	struct in exchange =
	    shake_expect(s->conn, KEY_EXCHANGE, "ServerKeyExchange");
	unsigned char seed[2 * RANDOM], secret[CRYPTO_SHARE];
	struct in share;

	if (in_number(&exchange, 1) != ON_CURVE ||
	    in_number(&exchange, 2) != GROUP_X25519)
		die("another group");
	share = in_field(&exchange, 1);
	if (share.n != CRYPTO_SHARE)
		die("no share of X25519");
	crypto_agree(s->conn->crypto, share.p, secret);
	memcpy(seed, s->client, RANDOM);
	memcpy(seed + RANDOM, s->server, RANDOM);
	crypto_prf(s->conn->crypto, (struct part){secret, sizeof(secret)},
	    "master secret", (struct part){seed, sizeof(seed)}, s->master,
	    sizeof(s->master));
}

static void
make_keys(struct session *s)
{
	struct direction *ours = &s->conn->write, *theirs = &s->conn->read;
	unsigned char seed[2 * RANDOM], keys[KEYS];

	memcpy(seed, s->server, RANDOM);
	memcpy(seed + RANDOM, s->client, RANDOM);
	crypto_prf(s->conn->crypto, (struct part){s->master, SHAKE_MASTER},
	    "key expansion", (struct part){seed, sizeof(seed)}, keys, KEYS);
	memcpy(ours->key, keys, CRYPTO_KEY);
	memcpy(theirs->key, keys + CRYPTO_KEY, CRYPTO_KEY);
	memcpy(ours->iv, keys + 2 * CRYPTO_KEY, 4);
	memcpy(theirs->iv, keys + 2 * CRYPTO_KEY + 4, 4);
	s->conn->may_switch = true;
}

static void
make_finished(struct session *s, const char *label, unsigned char ret[VERIFY])
{
	unsigned char hash[CRYPTO_HASH];

	crypto_hash(s->conn->crypto, hash);
	crypto_prf(s->conn->crypto, (struct part){s->master, SHAKE_MASTER},
	    label, (struct part){hash, sizeof(hash)}, ret, VERIFY);
}

/* ChangeCipherSpec and Finished onto a flight. */
static void
finish(struct session *s, struct out *flight)
{
	unsigned char message[4 + VERIFY] = {FINISHED, 0, 0, VERIFY};

	make_finished(s, "client finished", message + 4);
	crypto_add(s->conn->crypto, message, sizeof(message));
	conn_record(s->conn, flight, CONTENT_CIPHER, (unsigned char[]){1}, 1);
	s->conn->write.is_encrypted = true;
	conn_record(
	    s->conn, flight, CONTENT_HANDSHAKE, message, sizeof(message));
	conn_send(s->conn, flight);
}

static void
hear_finished(struct session *s, struct ticket *ticket)
{
	unsigned char must[VERIFY];
	struct message m;

	for (;;) {
		struct in body, bytes;

		make_finished(s, "server finished", must);
		m = conn_message(s->conn);
		crypto_add(s->conn->crypto, m.whole.p, m.whole.n);
		if (m.type != NEW_TICKET)
			break;
		body = m.body;
		in_number(&body, 4);
		bytes = in_field(&body, 2);
		if (ticket == NULL)
			continue;
		if (bytes.n > sizeof(ticket->bytes))
			die("a ticket of %zu bytes", bytes.n);
		ticket->n = bytes.n;
		memcpy(ticket->bytes, bytes.p, bytes.n);
		memcpy(ticket->secret, s->master, SHAKE_MASTER);
	}
	if (m.type != FINISHED || !s->conn->read.is_encrypted)
		die("Finished is due, and message %d came", m.type);
	shake_check(m.body, must, VERIFY);
}

static void
exchange_keys(struct session *s)
{
	unsigned char exchange[4 + 1 + CRYPTO_SHARE] = {
	    CLIENT_KEY_EXCHANGE, 0, 0, 1 + CRYPTO_SHARE, CRYPTO_SHARE};
	struct out flight = {0};

	shake_expect(s->conn, CERTIFICATE, "Certificate");
	agree(s);
	shake_expect(s->conn, HELLO_DONE, "ServerHelloDone");
	make_keys(s);
	memcpy(exchange + 5, s->conn->crypto->share, CRYPTO_SHARE);
	crypto_add(s->conn->crypto, exchange, sizeof(exchange));
	conn_record(
	    s->conn, &flight, CONTENT_HANDSHAKE, exchange, sizeof(exchange));
	finish(s, &flight);
}

void
shake_12(struct conn *c, struct ticket *ticket, bool wants)
{
	struct session s = {.conn = c};
	struct out flight = {0};

	crypto_begin(c->crypto);
	say_hello(&s, ticket);
	if (!hear_hello(&s)) {
		if (ticket->n > 0)
			die("the server does not take its ticket");
		exchange_keys(&s);
		hear_finished(&s, wants ? ticket : NULL);
		return;
	}
	memcpy(s.master, ticket->secret, SHAKE_MASTER);
	make_keys(&s);
	hear_finished(&s, NULL);
	finish(&s, &flight);
}
