/* SPDX-License-Identifier: ISC */
/*
 * record - a connection: messages of the handshake in records, in the clear
 * and encrypted (RFC 5246 section 6.2, RFC 8446 section 5).  What is not as
 * it must be ends the process.
 */
#ifndef HANDSHAKES_RECORD_H
#define HANDSHAKES_RECORD_H

#include "crypto.h"

#include <stdbool.h>

#define RECORD_ROOM (64 * 1024) /* for what a server says in a handshake */

/* ---- bytes ---- */

struct out {
	size_t n;
	unsigned char p[4096];
};

void out_number(struct out *o, size_t bytes, uint64_t value);
void out_add(struct out *o, const void *p, size_t n);

/* A field that says its length in `bytes` first: what open returns goes to
 * close, when all of it was added. */
size_t out_open(struct out *o, size_t bytes);
void out_close(struct out *o, size_t at, size_t bytes);

struct in {
	const unsigned char *p;
	size_t n;
};

uint64_t in_number(struct in *i, size_t bytes);
struct in in_take(struct in *i, size_t n);
struct in in_field(struct in *i, size_t bytes); /* its length stands first */

/* ---- a connection ---- */

enum {
	CONTENT_CIPHER = 20,
	CONTENT_ALERT = 21,
	CONTENT_HANDSHAKE = 22,
	CONTENT_DATA = 23,
};

struct direction {
	bool is_encrypted;
	unsigned char key[CRYPTO_KEY], iv[CRYPTO_IV];
	uint64_t count;
};

struct conn {
	int fd;
	bool is_13;
	struct crypto *crypto;
	struct direction read, write;
	bool may_switch; /* in TLS 1.2 read.key is there */
	size_t raw_at, raw_n, text_at, text_n;
	unsigned char raw[RECORD_ROOM];  /* what was read */
	unsigned char text[RECORD_ROOM]; /* messages out of it */
};

void conn_open(struct conn *c, struct crypto *crypto, bool is_13, int port);
void conn_close(struct conn *c);

/* A record with `text`, encrypted if that has begun, onto the end of o. */
void conn_record(
    struct conn *c, struct out *o, int content, const void *text, size_t n);
void conn_send(struct conn *c, const struct out *o);

/* The next message; whole is it with its head, as the transcript has it. */
struct message {
	int type;
	struct in body, whole;
};
struct message conn_message(struct conn *c);

#endif
