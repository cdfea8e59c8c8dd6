/* SPDX-License-Identifier: ISC */
/*
 * tls_ends - the two ends of a connection under TLS, both ours, and keys and
 * certificates that all tests of a program share.
 *
 *	ends_identify(&signer, made.p256, &made.p256_pem);
 *	pair_init(&p, server, client);
 *	pair_run(&p);			the client says hello, and hears it back
 *	assert_talked(&p);
 *	pair_done(&p);
 */
#ifndef T_TLS_ENDS_H
#define T_TLS_ENDS_H

#include "tap.h"
#include "tls_pair.h"

#include "base/clock.h"
#include "base/task.h"

struct end {
	struct stream stream;
	struct tls_context *context;
	struct tls_ask ask;
	int64_t deadline;
	int r; /* of the handshake */
	struct buf why;
	struct buf heard;
	struct tls_session *session;
};

/* What a context of ends_context() shows that has somebody to identify. */
extern struct tls_identity *ends_identity;
const struct tls_identity *ends_identify_by(void *arg, struct str name);
/* ends_identity becomes a new one, of this key alone. */
void ends_identify(struct pair_signer *s, EVP_PKEY *key, const struct buf *pem);

/* A server's identity is ends_identity.  It fails the test where there is none
 * to be had. */
struct tls_context *ends_context(struct tls_settings s);

/* Over a socket, which it takes; stream_done() is the test's. */
void end_init(struct end *e, struct tls_context *c, int fd);
void end_done(struct end *e);
void ends_sockets(int fds[2]);

/* Tasks of a struct end: a server that says each line again until the end of
 * input, a client that says one and hears it. */
void echo_lines(void *end);
void say_hello(void *end);

struct pair {
	struct end server, client;
};

void pair_init(
    struct pair *p, struct tls_context *server, struct tls_context *client);
void pair_run(struct pair *p);
/* A task of the pair: what its client does in pair_run(), which then ends the
 * server. */
void stop_server(void *pair);
void pair_done(struct pair *p);
void assert_talked(struct pair *p);

/* One key a type; for cmocka_run_group_tests(). */
struct made {
	EVP_PKEY *rsa, *p256, *p384, *ed;
	struct buf rsa_pem, p256_pem, p384_pem, ed_pem;
};
extern struct made made;
int make_keys(void **state);
int free_keys(void **state);

#endif
