/* SPDX-License-Identifier: ISC */
/* TLS between two tasks over a socketpair: both roles are ours. */
#include "tap.h"
#include "tls_pair.h"

#include "base/clock.h"
#include "base/task.h"
#include "net/tls_impl.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- two ends ---- */

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

static struct tls_identity *identity;

static const struct tls_identity *
identify(void *arg, struct str name)
{
	(void)arg;
	(void)name;
	return identity;
}

static struct tls_context *
context(struct tls_settings s)
{
	BUF_CLEANUP struct buf why = {0};
	struct tls_context *c;

	buf_init(&why, 4096);
	if (s.role == TLS_SERVER)
		s.identify = identify;
	c = tls_context_new(&s, &why);
	if (c == NULL)
		fail_msg("%s", why.p);
	return c;
}

static void
end_init(struct end *e, struct tls_context *c, int fd)
{
	*e =
	    (struct end){.context = c, .deadline = clock_after(20 * CLOCK_SEC)};
	buf_init(&e->why, 4096);
	buf_init(&e->heard, 1 << 20);
	assert_int_equal(stream_init(&e->stream, fd), 0);
	stream_deadline(&e->stream, e->deadline);
}

static void
end_done(struct end *e)
{
	buf_done(&e->why);
	buf_done(&e->heard);
	tls_session_free(&e->session);
}

static void
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

static void
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

static void
say_hello_and_close(void *arg)
{
	struct end *e = arg;

	say_hello(e);
	stream_done(&e->stream);
}

static void
make_sockets(int fds[2])
{
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
}

struct pair {
	struct end server, client;
};

static void
pair_init(
    struct pair *p, struct tls_context *server, struct tls_context *client)
{
	int fds[2];

	assert_int_equal(loop_init(), 0);
	make_sockets(fds);
	end_init(&p->server, server, fds[0]);
	end_init(&p->client, client, fds[1]);
}

/* Runs until the client has its answer: then it closes, and the server ends. */
static void
stop_server(void *arg)
{
	struct pair *p = arg;

	say_hello(&p->client);
	shutdown(p->client.stream.io.fd, SHUT_WR);
}

static void
pair_run(struct pair *p)
{
	task_start(echo_lines, &p->server);
	task_start(stop_server, p);
	loop_run();
}

static void
pair_done(struct pair *p)
{
	stream_done(&p->server.stream);
	stream_done(&p->client.stream);
	end_done(&p->server);
	end_done(&p->client);
}

static void
assert_talked(struct pair *p)
{
	assert_string_equal(p->server.why.p, "");
	assert_string_equal(p->client.why.p, "");
	assert_int_equal(p->server.r, 0);
	assert_int_equal(p->client.r, 0);
	assert_string_equal(p->server.heard.p, "hello");
	assert_string_equal(p->client.heard.p, "echo hello");
}

/* ---- what all tests use: one key a type ---- */

static struct {
	EVP_PKEY *rsa, *p256, *p384, *ed;
	struct buf rsa_pem, p256_pem, p384_pem, ed_pem;
} made;

static int
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

static int
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

static void
identify_as(struct pair_signer *s, EVP_PKEY *key, const struct buf *pem)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	pair_signer_init(s, key);
	identity = tls_identity_new();
	if (tls_identity_add(identity, buf_str(pem), &s->signer, &why) < 0)
		fail_msg("%s", why.p);
}

/* ---- tests ---- */

/* A type of key, a version: what each end is told. */
static void
check_handshake(EVP_PKEY *key, const struct buf *pem, int version,
    const char *name, const char *curve, int bits)
{
	struct tls_context *server = context(
	    (struct tls_settings){.role = TLS_SERVER, .groups = "X25519"});
	struct tls_context *client = context((struct tls_settings){
	    .role = TLS_CLIENT, .grade = {.max = version}});
	struct pair_signer signer;
	const struct tls_info *s, *c;
	struct pair p;

	identify_as(&signer, key, pem);
	signer.wait = 3 * CLOCK_MS;
	pair_init(&p, server, client);
	p.client.ask.name = "mx.example";
	pair_run(&p);
	assert_talked(&p);
	assert_int_equal(signer.nsigned, 1);
	s = tls_info(&p.server.stream);
	c = tls_info(&p.client.stream);
	assert_string_equal(
	    s->protocol, version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
	assert_string_equal(s->protocol, c->protocol);
	assert_string_equal(s->cipher, c->cipher);
	assert_int_equal(s->bits, 256);
	assert_int_equal(s->cipher_bits, 256);
	assert_false(s->is_reused);
	assert_false(s->asked_cert);
	assert_false(s->has_cert);
	assert_true(c->has_cert);
	assert_false(c->is_trusted);
	assert_string_equal(s->name, "mx.example");
	if (version == TLS_1_3) {
		assert_int_equal(strncmp(signer.last,
				     "                                "
				     "                                "
				     "TLS 1.3, server CertificateVerify",
				     97),
		    0);
		assert_string_equal(s->kex, "X25519");
		assert_string_equal(s->server.name, name);
		assert_string_equal(s->server.curve, curve);
		assert_int_equal(s->server.bits, bits);
		assert_string_equal(c->server.name, name);
		assert_string_equal(c->server.digest, s->server.digest);
		assert_string_equal(s->client.name, "");
	} else {
		assert_string_equal(s->kex, "");
		assert_string_equal(s->server.name, "");
	}
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
	assert_int_equal(signer.nfreed, 1);
}

static void
test_handshakes(void **state)
{
	(void)state;
	for (int v = TLS_1_2; v <= TLS_1_3; v++) {
		check_handshake(
		    made.rsa, &made.rsa_pem, v, "RSA-PSS", "", 2048);
		check_handshake(
		    made.p256, &made.p256_pem, v, "ECDSA", "prime256v1", 0);
		check_handshake(
		    made.p384, &made.p384_pem, v, "ECDSA", "secp384r1", 0);
		check_handshake(made.ed, &made.ed_pem, v, "ED25519", "", 0);
	}
}

/* An identity of two keys shows the one that the client understands. */
static void
test_two_keys(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	static const char *const ciphers[] = {
	    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"};
	static const char *const names[] = {"rsa.example", "p256.example"};
	struct pair_signer rsa, ec;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 4096);
	identify_as(&rsa, made.rsa, &made.rsa_pem);
	pair_signer_init(&ec, made.p256);
	assert_int_equal(tls_identity_add(identity, buf_str(&made.p256_pem),
			     &ec.signer, &why),
	    0);
	for (int i = 0; i < 2; i++) {
		struct tls_context *client = context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {0, TLS_1_2, ciphers[i]}});
		struct pair p;

		pair_init(&p, server, client);
		pair_run(&p);
		assert_talked(&p);
		assert_string_equal(
		    tls_info(&p.client.stream)->subject, names[i]);
		pair_done(&p);
		tls_context_free(&client);
	}
	assert_int_equal(rsa.nsigned, 1);
	assert_int_equal(ec.nsigned, 1);
	/* The same type again replaces. */
	pair_signer_init(&rsa, made.rsa);
	assert_int_equal(tls_identity_add(identity, buf_str(&made.rsa_pem),
			     &rsa.signer, &why),
	    0);
	assert_int_equal(rsa.nfreed, 1);
	tls_context_free(&server);
	tls_identity_free(&identity);
	assert_int_equal(rsa.nfreed, 2);
}

/* What is no chain is refused, and its signer let go. */
static void
test_bad_chains(void **state)
{
	static const struct str bad[] = {STR(""), STR("x"),
	    STR("-----BEGIN CERTIFICATE-----\n"),
	    STR("-----BEGIN CERTIFICATE-----\nAAAA\n"
		"-----END CERTIFICATE-----\n")};
	struct tls_identity *id = tls_identity_new();
	struct pair_signer signer;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_reset(&why);
		pair_signer_init(&signer, made.rsa);
		assert_int_equal(
		    tls_identity_add(id, bad[i], &signer.signer, &why),
		    -EINVAL);
		assert_int_not_equal(why.len, 0);
		assert_int_equal(signer.nfreed, 1);
	}
	tls_identity_free(&id);
}

static void
test_bad_settings(void **state)
{
	static const struct tls_settings bad[] = {
	    {.role = TLS_SERVER, .grade = {0, 0, "no-such-cipher"}},
	    {.role = TLS_SERVER, .groups = "no-such-group"},
	    {.role = TLS_CLIENT,
		.ca = {"-----BEGIN CERTIFICATE-----\nAAAA\n"
		       "-----END CERTIFICATE-----\n",
		    58}}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		BUF_CLEANUP struct buf why = {0};

		buf_init(&why, 4096);
		assert_null(tls_context_new(&bad[i], &why));
		assert_int_not_equal(why.len, 0);
	}
}

/* One connection with a session, or without: was it taken up? */
static bool
is_taken_up(struct tls_context *server, struct tls_context *client,
    struct tls_session *old, struct tls_session **ret_new)
{
	struct pair p;
	bool is_reused;

	pair_init(&p, server, client);
	p.client.ask.session = old;
	pair_run(&p);
	assert_talked(&p);
	is_reused = tls_info(&p.server.stream)->is_reused;
	assert_int_equal(tls_info(&p.client.stream)->is_reused, is_reused);
	if (ret_new != NULL) {
		*ret_new = p.client.session;
		p.client.session = NULL;
	}
	pair_done(&p);
	return is_reused;
}

static void
test_sessions(void **state)
{
	struct tls_ticket_key keys[2];
	struct tls_context *server[2], *other;
	struct pair_signer signer;

	(void)state;
	memset(&keys[0], 'a', sizeof(keys[0]));
	memset(&keys[1], 'b', sizeof(keys[1]));
	identify_as(&signer, made.p256, &made.p256_pem);
	for (int i = 0; i < 2; i++)
		server[i] = context((struct tls_settings){
		    .role = TLS_SERVER, .service = STR("smtp")});
	other = context((struct tls_settings){
	    .role = TLS_SERVER, .service = STR("submission")});
	for (int v = TLS_1_2; v <= TLS_1_3; v++) {
		struct tls_context *client = context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {.max = v}});
		struct tls_session *session, *none;

		/* No keys, no tickets. */
		tls_context_tickets(server[0], NULL, 0, 0);
		assert_false(is_taken_up(server[0], client, NULL, &none));
		assert_null(none);

		tls_context_tickets(server[0], &keys[1], 1, 3600);
		assert_false(is_taken_up(server[0], client, NULL, &session));
		assert_non_null(session);
		/* Another process of the service, after a rotation. */
		tls_context_tickets(server[1], keys, 2, 3600);
		assert_true(is_taken_up(server[1], client, session, NULL));
		/* After the next one. */
		tls_context_tickets(server[1], &keys[0], 1, 3600);
		assert_false(is_taken_up(server[1], client, session, NULL));
		/* Another service, were it to have the same keys. */
		tls_context_tickets(other, keys, 2, 3600);
		assert_false(is_taken_up(other, client, session, NULL));
		tls_session_free(&session);
		tls_context_free(&client);
	}
	tls_context_free(&server[0]);
	tls_context_free(&server[1]);
	tls_context_free(&other);
	tls_identity_free(&identity);
}

/* A client's certificate: asked for or not, there or not, known or not. */
static void
check_client(enum tls_peer peer, bool shows, struct str ca, int version)
{
	struct tls_context *server = context(
	    (struct tls_settings){.role = TLS_SERVER, .peer = peer, .ca = ca});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT,
		.grade = {.max = version},
		.identify = shows ? identify : NULL});
	struct pair_signer signer;
	const struct tls_info *info;
	char print[TLS_FINGERPRINT_SIZE];
	struct pair p;

	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	pair_run(&p);
	info = tls_info(&p.server.stream);
	if (peer == TLS_PEER_REQUIRE && !shows) {
		assert_int_equal(p.server.r, -EPROTO);
		assert_non_null(strstr(p.server.why.p, "did not return a"));
		assert_null(info);
	} else {
		assert_talked(&p);
		assert_int_equal(info->asked_cert, peer != TLS_PEER_NONE);
		assert_int_equal(
		    info->has_cert, shows && peer != TLS_PEER_NONE);
	}
	if (info != NULL && info->has_cert) {
		assert_int_equal(info->is_trusted, ca.len > 0);
		assert_string_equal(info->subject, "p256.example");
		assert_string_equal(info->issuer, "p256.example");
		assert_int_equal(signer.nsigned, 2);
		assert_int_equal(tls_fingerprint(&p.server.stream, TLS_OF_CERT,
				     "sha256", print),
		    0);
		assert_int_equal(strlen(print), 32 * 3 - 1);
	} else if (info != NULL) {
		assert_int_equal(tls_fingerprint(&p.server.stream, TLS_OF_CERT,
				     "sha256", print),
		    -ENOENT);
	}
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

static void
test_client_certificates(void **state)
{
	struct str ca = buf_str(&made.p256_pem);

	(void)state;
	for (int v = TLS_1_2; v <= TLS_1_3; v++)
		for (int shows = 0; shows < 2; shows++) {
			check_client(TLS_PEER_NONE, shows, STR_NONE, v);
			check_client(TLS_PEER_ASK, shows, STR_NONE, v);
			check_client(TLS_PEER_ASK, shows, ca, v);
			check_client(TLS_PEER_REQUIRE, shows, ca, v);
		}
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		bool is_for;
	} names[] = {{"mx.example", true}, {"MX.Example", true},
	    {"x.mx.example", false}, {"p256.example", false}, {"", false},
	    {"a.wild.example", true}, {"a.b.wild.example", false},
	    {"wild.example", false}, {".example", true}, {".other", false}};
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client = context((struct tls_settings){
	    .role = TLS_CLIENT, .ca = buf_str(&made.p256_pem)});
	char print[TLS_FINGERPRINT_SIZE], of_key[TLS_FINGERPRINT_SIZE];
	struct pair_signer signer;
	struct stream *s;
	struct pair p;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	pair_run(&p);
	assert_talked(&p);
	s = &p.client.stream;
	assert_true(tls_info(s)->is_trusted);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (tls_has_name(s, names[i].name) != names[i].is_for)
			fail_msg("%s", names[i].name);
	assert_false(tls_has_name(&p.server.stream, "mx.example"));
	assert_int_equal(tls_fingerprint(s, TLS_OF_CERT, "sha512", print), 0);
	assert_int_equal(strlen(print), 64 * 3 - 1);
	assert_int_equal(tls_fingerprint(s, TLS_OF_KEY, "sha512", of_key), 0);
	assert_string_not_equal(print, of_key);
	assert_int_equal(tls_fingerprint(s, TLS_OF_KEY, "md9", print), -EINVAL);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

/* A server for which no identity was found, or whose key is not to be had. */
static void
test_no_key(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	struct pair p;

	(void)state;
	identity = NULL;
	pair_init(&p, server, client);
	pair_run(&p);
	assert_int_equal(p.server.r, -EPROTO);
	assert_int_equal(p.client.r, -EPROTO);
	pair_done(&p);

	identify_as(&signer, made.p256, &made.p256_pem);
	signer.refuses = true;
	pair_init(&p, server, client);
	pair_run(&p);
	assert_int_equal(p.server.r, -EPROTO);
	assert_non_null(strstr(p.server.why.p, "the key's holder"));
	assert_int_equal(p.client.r, -EPROTO);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

/* RFC 3207 section 4.2: what was said in the clear is not heard after. */
static void
read_then_accept(void *arg)
{
	struct pair *p = arg;
	struct end *e = &p->server;
	struct str line;
	bool crlf;

	assert_int_equal(stream_read_line(&e->stream, 100, &line, &crlf), 0);
	assert_str(line, "STARTTLS");
	assert_true(stream_has_input(&e->stream));
	stream_write(&e->stream, STR("220 said too late\r\n"));
	task_start(stop_server, p);
	echo_lines(e);
}

static void
test_switch(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	struct pair p;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	assert_int_equal(write(p.client.stream.io.fd,
			     "STARTTLS\r\nMAIL FROM:<evil@example>\r\n", 36),
	    36);
	task_start(read_then_accept, &p);
	loop_run();
	assert_talked(&p);
	pair_done(&p);

	/* No client of TLS at all. */
	pair_init(&p, server, client);
	assert_int_equal(write(p.client.stream.io.fd, "EHLO x\r\n", 8), 8);
	task_start(echo_lines, &p.server);
	loop_run();
	assert_int_equal(p.server.r, -EPROTO);
	assert_int_equal(strncmp(p.server.why.p, "error:", 6), 0);
	assert_null(tls_info(&p.server.stream));
	assert_int_equal(stream_write(&p.server.stream, STR("x")), -EPROTO);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

/* Nobody speaks, nobody is there any more, somebody else wants us to end. */
static void
test_waits(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct pair_signer signer;
	struct task *t;
	struct pair p;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, server);
	stream_deadline(&p.server.stream, clock_after(10 * CLOCK_MS));
	task_start(echo_lines, &p.server);
	loop_run();
	assert_int_equal(p.server.r, -ETIMEDOUT);
	assert_string_equal(p.server.why.p, "");
	pair_done(&p);

	pair_init(&p, server, server);
	shutdown(p.client.stream.io.fd, SHUT_WR);
	task_start(echo_lines, &p.server);
	loop_run();
	assert_int_equal(p.server.r, -ECONNRESET);
	assert_string_equal(p.server.why.p, "");
	pair_done(&p);

	pair_init(&p, server, server);
	t = task_start(echo_lines, &p.server);
	task_cancel(t);
	loop_run();
	assert_int_equal(p.server.r, -ECANCELED);
	pair_done(&p);
	tls_context_free(&server);
	tls_identity_free(&identity);
}

/* A megabyte through a small socket, with time-outs on the way. */
#define MUCH (1000 * 1000)

static void
send_much(void *arg)
{
	struct end *e = arg;
	static char block[30000];
	size_t left = MUCH;
	int r = 0;

	e->r = tls_accept(&e->stream, e->context, &e->why);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)('a' + i % 23);
	while (e->r == 0 && left > 0) {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		stream_deadline(&e->stream, clock_after(CLOCK_MS));
		r = stream_write(&e->stream, str_n(block, n));
		if (r == 0)
			left -= n;
		else if (r != -ETIMEDOUT)
			e->r = r;
	}
	do {
		stream_deadline(&e->stream, clock_after(CLOCK_MS));
		r = stream_flush(&e->stream);
	} while (r == -ETIMEDOUT);
	e->r = r;
	stream_done(&e->stream);
}

static void
take_much(void *arg)
{
	struct end *e = arg;
	struct str bytes;

	e->r = tls_connect(&e->stream, e->context, &e->ask, &e->why);
	while (e->r == 0) {
		e->r = stream_peek(&e->stream, &bytes);
		if (e->r < 0)
			break;
		for (size_t i = 0; i < bytes.len; i++)
			if (bytes.p[i] !=
			    (char)('a' + (e->heard.len + i) % 30000 % 23))
				abort();
		buf_add_str(&e->heard, bytes);
		stream_consume(&e->stream, bytes.len);
		if (rand() % 4 == 0)
			task_sleep(clock_after(2 * CLOCK_MS));
	}
}

static void
test_much(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	int room = 4096;
	struct pair p;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	setsockopt(
	    p.server.stream.io.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	task_start(send_much, &p.server);
	task_start(take_much, &p.client);
	loop_run();
	assert_int_equal(p.server.r, 0);
	assert_int_equal(p.client.r, -ECONNRESET); /* its end */
	assert_int_equal(p.client.heard.len, MUCH);
	stream_done(&p.client.stream);
	end_done(&p.server);
	end_done(&p.client);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

/* ---- many at once, half of them spoiled ---- */

#define MANY 50

/* Between a client and its server: passes bytes on in small pieces, and from
 * a byte on changes or ends what it passes. */
struct relay {
	struct io from, to;
	size_t passed, spoil_at; /* 0: never */
	bool ends;
};

static void
relay(void *arg)
{
	struct relay *r = arg;
	char bytes[200];
	ssize_t n;

	while ((n = io_read(&r->from, bytes, 1 + (size_t)rand() % 199,
		    CLOCK_NEVER)) > 0) {
		size_t end = r->passed + (size_t)n;

		if (r->spoil_at > 0 && r->passed <= r->spoil_at &&
		    r->spoil_at < end) {
			if (r->ends)
				break;
			bytes[r->spoil_at - r->passed] ^= 0x55;
		}
		r->passed = end;
		task_sleep(clock_after(rand() % (2 * CLOCK_MS)));
		if (io_write_all(&r->to, bytes, (size_t)n, CLOCK_NEVER) < 0)
			break;
	}
	shutdown(r->from.fd, SHUT_RDWR);
	shutdown(r->to.fd, SHUT_RDWR);
}

struct crowd {
	struct end server, client;
	struct relay there, back;
	bool is_spoiled;
};

static void
crowd_start(struct crowd *w, struct tls_context *server,
    struct tls_context *client, bool is_spoiled)
{
	int a[2], b[2];

	make_sockets(a);
	make_sockets(b);
	*w = (struct crowd){.is_spoiled = is_spoiled};
	end_init(&w->client, client, a[0]);
	end_init(&w->server, server, b[0]);
	stream_deadline(&w->client.stream, clock_after(3 * CLOCK_SEC));
	stream_deadline(&w->server.stream, clock_after(3 * CLOCK_SEC));
	io_init(&w->there.from, a[1]);
	io_init(&w->there.to, dup(b[1]));
	io_init(&w->back.from, b[1]);
	io_init(&w->back.to, dup(a[1]));
	if (is_spoiled) {
		struct relay *r = rand() % 2 ? &w->there : &w->back;

		/* Anywhere in the first message, behind the head of its record
		 * (which nobody checks), or an end anywhere in a handshake. */
		r->ends = rand() % 2;
		r->spoil_at = r->ends ? 1 + (size_t)rand() % 300
		                      : 5 + (size_t)rand() % 100;
	}
	task_start(relay, &w->there);
	task_start(relay, &w->back);
	task_start(echo_lines, &w->server);
	task_start(say_hello_and_close, &w->client);
}

/* What any other user of the library in this thread may leave behind. */
static void
leave_errors(void *arg)
{
	const bool *is_over = arg;

	while (!*is_over) {
		ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
		task_sleep(clock_after(CLOCK_MS / 5));
	}
}

/* The clients of the crowd are done, or were given up. */
static void
watch_crowd(void *arg)
{
	const struct crowd *crowd = arg;
	bool is_over = false;

	task_start(leave_errors, &is_over);
	for (int i = 0; i < MANY; i++)
		while (crowd[i].client.stream.io.fd >= 0)
			task_sleep(clock_after(CLOCK_MS));
	is_over = true;
	task_sleep(clock_after(CLOCK_MS));
}

static void
test_many(void **state)
{
	static struct crowd crowd[MANY];
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *clients[2];
	struct pair_signer signer;
	unsigned nbroken = 0;

	(void)state;
	for (int v = 0; v < 2; v++)
		clients[v] = context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {.max = TLS_1_2 + v}});
	identify_as(&signer, made.p256, &made.p256_pem);
	signer.wait = 20 * CLOCK_MS;
	assert_int_equal(loop_init(), 0);
	for (int i = 0; i < MANY; i++)
		crowd_start(&crowd[i], server, clients[i / 2 % 2], i % 2 == 1);
	task_start(watch_crowd, crowd);
	loop_run();
	for (int i = 0; i < MANY; i++) {
		struct crowd *w = &crowd[i];

		if (!w->is_spoiled) {
			assert_string_equal(w->server.why.p, "");
			assert_string_equal(w->client.why.p, "");
			assert_int_equal(w->server.r, 0);
			assert_int_equal(w->client.r, 0);
			assert_string_equal(w->client.heard.p, "echo hello");
		} else if (w->client.r < 0) {
			nbroken++;
		}
		stream_done(&w->server.stream);
		io_done(&w->there.from);
		io_done(&w->there.to);
		io_done(&w->back.from);
		io_done(&w->back.to);
		end_done(&w->server);
		end_done(&w->client);
	}
	assert_int_equal(nbroken, MANY / 2);
	tls_context_free(&server);
	tls_context_free(&clients[0]);
	tls_context_free(&clients[1]);
	tls_identity_free(&identity);
}

/* ---- a peer that sends much, and none of it data ---- */

#define UPDATES 4000

static struct {
	bool is_over;
	unsigned turns; /* of others while the server reads */
} busy;

/* New keys again and again, then a line: all of it at once. */
static void
send_updates(SSL *ssl, int fd)
{
	BIO *all = BIO_new(BIO_s_mem());
	char *p;
	long n;

	SSL_set0_wbio(ssl, all);
	for (int i = 0; i < UPDATES; i++) {
		assert_int_equal(
		    SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(ssl), 1);
	}
	assert_int_equal(SSL_write(ssl, "hello\r\n", 7), 7);
	n = BIO_get_mem_data(all, &p);
	assert_int_equal(write(fd, p, (size_t)n), n);
}

static void
update_keys(void *arg)
{
	struct end *e = arg;

	e->r = tls_connect(&e->stream, e->context, &e->ask, &e->why);
	assert_int_equal(e->r, 0);
	send_updates(tls_below(&e->stream)->ssl, e->stream.io.fd);
	while (!busy.is_over) {
		busy.turns++;
		task_yield();
	}
}

static void
hear_hello(void *arg)
{
	struct end *e = arg;
	struct str line = STR_NONE;
	bool crlf;

	e->r = tls_accept(&e->stream, e->context, &e->why);
	if (e->r == 0)
		e->r = stream_read_line(&e->stream, 1000, &line, &crlf);
	buf_add_str(&e->heard, line);
	busy.is_over = true;
}

static void
test_updates(void **state)
{
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	struct pair p;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	task_start(hear_hello, &p.server);
	task_start(update_keys, &p.client);
	loop_run();
	assert_int_equal(p.server.r, 0);
	assert_string_equal(p.server.heard.p, "hello");
	/* 108,000 bytes, up to 17 KiB a read. */
	assert_in_range(busy.turns, 3, 1000);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

/* ---- how deep it goes ---- */

#define PAINTED (200 * 1024)
#define PAINT   '\x5a'

/* What lies below the caller's frame and its calls. */
__attribute__((noinline)) static volatile char *
below_here(void)
{
	return (volatile char *)__builtin_frame_address(0) - PAINTED;
}

static size_t depth;

/* AddressSanitizer knows nothing of what lies there. */
__attribute__((no_sanitize("address"))) static void
accept_painted(void *arg)
{
	struct end *e = arg;
	volatile char *low = below_here();
	size_t i = 0;

	for (size_t n = 0; n < PAINTED - 512; n++)
		low[n] = PAINT;
	e->r = tls_accept(&e->stream, e->context, &e->why);
	while (i < PAINTED && low[i] == PAINT)
		i++;
	stream_shut(&e->stream);
	if (PAINTED - i > depth)
		depth = PAINTED - i;
}

static void
test_depth(void **state)
{
	struct tls_context *server = context(
	    (struct tls_settings){.role = TLS_SERVER, .peer = TLS_PEER_ASK});
	struct pair_signer signer;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_rsa = i % 2;
		struct tls_context *client =
		    context((struct tls_settings){.role = TLS_CLIENT,
			.grade = {.max = TLS_1_2 + i / 2},
			.identify = identify});
		struct pair p;

		identify_as(&signer, is_rsa ? made.rsa : made.p384,
		    is_rsa ? &made.rsa_pem : &made.p384_pem);
		pair_init(&p, server, client);
		task_start(accept_painted, &p.server);
		task_start(say_hello, &p.client);
		loop_run();
		assert_int_equal(p.server.r, 0);
		pair_done(&p);
		tls_context_free(&client);
		tls_identity_free(&identity);
	}
	tls_context_free(&server);
	/* Of TASK_STACK, which is 256 KiB: the client's certificate verified,
	 * our own signature by the test's signer, on this stack, included. */
	assert_in_range(depth, 1, 64 * 1024);
}

/* ---- what a connection that is silent keeps ---- */

#define IDLE 40

/* Talks, and then waits for a line that does not come. */
static void
be_idle(void *arg)
{
	struct end *e = arg;
	struct str line;
	bool crlf;

	e->r = tls_accept(&e->stream, e->context, &e->why);
	while (e->r == 0) {
		stream_idle(&e->stream);
		e->r = stream_read_line(&e->stream, 1000, &line, &crlf);
		if (e->r == 0)
			stream_writef(
			    &e->stream, "echo %.*s\r\n", STR_ARG(line));
	}
}

/* Its end is the loop's, the server waits on. */
static void
talk_and_stay(void *arg)
{
	struct end *e = arg;

	say_hello(e);
	stream_idle(&e->stream);
	tls_session_free(&e->session);
	buf_done(&e->heard);
	loop_stop();
}

static void
test_idle(void **state)
{
	static struct end servers[IDLE], clients[IDLE];
	struct tls_context *server =
	    context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	size_t before = 0, each;

	(void)state;
	identify_as(&signer, made.p256, &made.p256_pem);
	assert_int_equal(loop_init(), 0);
	for (int i = 0; i < IDLE; i++) {
		int fds[2];

		/* The first two are for what the library keeps for all. */
		if (i == 2)
			before = mallinfo2().uordblks;
		make_sockets(fds);
		end_init(&servers[i], server, fds[0]);
		end_init(&clients[i], client, fds[1]);
		task_start(be_idle, &servers[i]);
		task_start(talk_and_stay, &clients[i]);
		loop_run();
		assert_int_equal(clients[i].r, 0);
		assert_int_equal(servers[i].r, 0);
	}
	each = (mallinfo2().uordblks - before) / (IDLE - 2);
	/* 34 KiB here; with buffers that are kept it were 101. */
	if (before > 0) /* a sanitizer's allocator does not count */
		assert_in_range(each, 1, 48 * 1024);
	for (int i = 0; i < IDLE; i++) {
		stream_done(&servers[i].stream);
		stream_done(&clients[i].stream);
		end_done(&servers[i]);
		end_done(&clients[i]);
	}
	loop_run(); /* their tasks end */
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&identity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshakes),
	    cmocka_unit_test(test_two_keys),
	    cmocka_unit_test(test_bad_chains),
	    cmocka_unit_test(test_bad_settings),
	    cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_client_certificates),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_no_key),
	    cmocka_unit_test(test_switch),
	    cmocka_unit_test(test_waits),
	    cmocka_unit_test(test_much),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_updates),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_idle),
	};

	srand(1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
