/* SPDX-License-Identifier: ISC */
/* tls_ends - two tasks over a socketpair. */
#include "tls_ends.h"

#include <sys/socket.h>

struct tls_identity *ends_identity;

const struct tls_identity *
ends_identify_by(void *arg, struct str name)
{
	(void)arg;
	(void)name;
	return ends_identity;
}

struct tls_context *
ends_context(struct tls_settings s)
{
	BUF_CLEANUP struct buf why = {0};
	struct tls_context *c;

	buf_init(&why, 4096);
	if (s.role == TLS_SERVER)
		s.identify = ends_identify_by;
	c = tls_context_new(&s, &why);
	if (c == NULL)
		fail_msg("%s", why.p);
	return c;
}

void
end_init(struct end *e, struct tls_context *c, int fd)
{
	*e =
	    (struct end){.context = c, .deadline = clock_after(20 * CLOCK_SEC)};
	buf_init(&e->why, 4096);
	buf_init(&e->heard, 1 << 20);
	assert_int_equal(stream_init(&e->stream, fd), 0);
	stream_deadline(&e->stream, e->deadline);
}

void
end_done(struct end *e)
{
	buf_done(&e->why);
	buf_done(&e->heard);
	tls_session_free(&e->session);
}

void
echo_lines(void *arg)
{
	struct end *e = arg;
	struct str line;
	bool crlf;

	e->r = tls_accept(&e->stream, e->context, &e->why);
	while (e->r == 0 &&
	       stream_read_line(&e->stream, 1000, &line, &crlf) == 0) {
		buf_add_str(&e->heard, line);
		stream_writef(&e->stream, "echo %.*s\r\n", STR_ARG(line));
	}
}

void
say_hello(void *arg)
{
	struct end *e = arg;
	struct str line;
	bool crlf;

	e->r = tls_connect(&e->stream, e->context, &e->ask, &e->why);
	if (e->r < 0)
		return;
	stream_write(&e->stream, STR("hello\r\n"));
	e->r = stream_read_line(&e->stream, 1000, &line, &crlf);
	if (e->r == 0)
		buf_add_str(&e->heard, line);
	e->session = tls_session_get(&e->stream);
}

void
ends_sockets(int fds[2])
{
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
}

void
pair_init(
    struct pair *p, struct tls_context *server, struct tls_context *client)
{
	int fds[2];

	assert_int_equal(loop_init(), 0);
	ends_sockets(fds);
	end_init(&p->server, server, fds[0]);
	end_init(&p->client, client, fds[1]);
}

/* Runs until the client has its answer: then it closes, and the server ends. */
void
stop_server(void *arg)
{
	struct pair *p = arg;

	say_hello(&p->client);
	shutdown(p->client.stream.io.fd, SHUT_WR);
}

void
pair_run(struct pair *p)
{
	task_start(echo_lines, &p->server);
	task_start(stop_server, p);
	loop_run();
}

void
pair_done(struct pair *p)
{
	stream_done(&p->server.stream);
	stream_done(&p->client.stream);
	end_done(&p->server);
	end_done(&p->client);
}

void
assert_talked(struct pair *p)
{
	assert_string_equal(p->server.why.p, "");
	assert_string_equal(p->client.why.p, "");
	assert_int_equal(p->server.r, 0);
	assert_int_equal(p->client.r, 0);
	assert_string_equal(p->server.heard.p, "hello");
	assert_string_equal(p->client.heard.p, "echo hello");
}

struct made made;

int
make_keys(void **state)
{
	(void)state;
	made.rsa = pair_key("RSA");
	made.p256 = pair_key("P-256");
	made.p384 = pair_key("P-384");
	made.ed = pair_key("ED25519");
	pair_certify(made.rsa, "rsa.example", NULL, &made.rsa_pem);
	pair_certify(made.p256, "p256.example",
	    "DNS:mx.example, DNS:*.wild.example", &made.p256_pem);
	pair_certify(made.p384, "p384.example", NULL, &made.p384_pem);
	pair_certify(made.ed, "ed.example", NULL, &made.ed_pem);
	return 0;
}

int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(made.rsa);
	EVP_PKEY_free(made.p256);
	EVP_PKEY_free(made.p384);
	EVP_PKEY_free(made.ed);
	buf_done(&made.rsa_pem);
	buf_done(&made.p256_pem);
	buf_done(&made.p384_pem);
	buf_done(&made.ed_pem);
	return 0;
}

void
ends_identify(struct pair_signer *s, EVP_PKEY *key, const struct buf *pem)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	pair_signer_init(s, key);
	ends_identity = tls_identity_new();
	if (tls_identity_add(ends_identity, buf_str(pem), &s->signer, &why) < 0)
		fail_msg("%s", why.p);
}
