/* SPDX-License-Identifier: ISC */
/*
 * shake - a client's side of a handshake, of TLS 1.2 (RFC 5246, RFC 8422, RFC
 * 5077) and TLS 1.3 (RFC 8446), with one cipher suite and one group.
 *
 * It does what no client can leave out, and looks only at what shows that the
 * server did all of its part: the server's Finished.  It reads no certificate
 * and verifies no signature, which a server has to make all the same.
 */
#ifndef HANDSHAKES_SHAKE_H
#define HANDSHAKES_SHAKE_H

#include "record.h"

#define SHAKE_TICKET_MAX 2048
#define SHAKE_MASTER     48

/* What a session is taken up again with; n is 0 without one. */
struct ticket {
	size_t n;
	unsigned char bytes[SHAKE_TICKET_MAX];
	unsigned char secret[SHAKE_MASTER]; /* master, or PSK */
	uint32_t age_add;
	int64_t since; /* milliseconds */
};

/*
 * A handshake on a connection that has just begun: a full one, and then
 * `ticket` gets the server's when `wants` says so; or with it, and then the
 * server has to take it.
 */
void shake_12(struct conn *c, struct ticket *ticket, bool wants);
void shake_13(struct conn *c, struct ticket *ticket, bool wants);

/* ---- what both have in common ---- */

enum {
	HELLO_CLIENT = 1,
	HELLO_SERVER = 2,
	NEW_TICKET = 4,
	ENCRYPTED_EXTENSIONS = 8,
	CERTIFICATE = 11,
	KEY_EXCHANGE = 12,
	HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	FINISHED = 20,
};

enum {
	EXT_GROUPS = 10,
	EXT_POINTS = 11,
	EXT_SIGNATURES = 13,
	EXT_TICKET = 35,
	EXT_PSK = 41,
	EXT_VERSIONS = 43,
	EXT_PSK_MODES = 45,
	EXT_SHARE = 51,
	EXT_RENEGOTIATION = 0xff01,
};

#define GROUP_X25519 0x001d
#define GROUP_P256   0x0017 /* of certificates; no key exchange */

/* Of the type that must come now; it is in the transcript when it returns. */
struct in shake_expect(struct conn *c, int type, const char *name);

/* Extensions of any ClientHello: groups and signatures. */
void shake_offer(struct out *o);

/* A server's Finished is what it must be, or the end. */
void shake_check(struct in finished, const unsigned char *must, size_t n);

int64_t shake_now(void); /* milliseconds */

#endif
