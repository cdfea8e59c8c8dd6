/* SPDX-License-Identifier: ISC */
/* Handshakes of every version and kind of key, and those that come to nothing.
 */
#include "tls_ends.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A type of key, a version: what each end is told. */
static void
check_handshake(EVP_PKEY *key, const struct buf *pem, int version,
    const char *name, const char *curve, int bits)
{
	struct tls_context *server = ends_context(
	    (struct tls_settings){.role = TLS_SERVER, .groups = "X25519"});
	struct tls_context *client = ends_context((struct tls_settings){
	    .role = TLS_CLIENT, .grade = {.max = version}});
	struct pair_signer signer;
	const struct tls_info *s, *c;
	struct pair p;

	ends_identify(&signer, key, pem);
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
	tls_identity_free(&ends_identity);
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

/* A server for which no ends_identity was found, or whose key is not to be had.
 */
static void
test_no_key(void **state)
{
	struct tls_context *server =
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    ends_context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	struct pair p;

	(void)state;
	ends_identity = NULL;
	pair_init(&p, server, client);
	pair_run(&p);
	assert_int_equal(p.server.r, -EPROTO);
	assert_int_equal(p.client.r, -EPROTO);
	pair_done(&p);

	ends_identify(&signer, made.p256, &made.p256_pem);
	signer.refuses = true;
	pair_init(&p, server, client);
	pair_run(&p);
	assert_int_equal(p.server.r, -EPROTO);
	assert_non_null(strstr(p.server.why.p, "the key's holder"));
	assert_int_equal(p.client.r, -EPROTO);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&ends_identity);
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
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client =
	    ends_context((struct tls_settings){.role = TLS_CLIENT});
	struct pair_signer signer;
	struct pair p;

	(void)state;
	ends_identify(&signer, made.p256, &made.p256_pem);
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
	tls_identity_free(&ends_identity);
}

/* Nobody speaks, nobody is there any more, somebody else wants us to end. */
static void
test_waits(void **state)
{
	struct tls_context *server =
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	struct pair_signer signer;
	struct task *t;
	struct pair p;

	(void)state;
	ends_identify(&signer, made.p256, &made.p256_pem);
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
	tls_identity_free(&ends_identity);
}

static void
say_hello_and_close(void *arg)
{
	struct end *e = arg;

	say_hello(e);
	stream_done(&e->stream);
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

	ends_sockets(a);
	ends_sockets(b);
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
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *clients[2];
	struct pair_signer signer;
	unsigned nbroken = 0;

	(void)state;
	for (int v = 0; v < 2; v++)
		clients[v] = ends_context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {.max = TLS_1_2 + v}});
	ends_identify(&signer, made.p256, &made.p256_pem);
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
	tls_identity_free(&ends_identity);
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
	struct tls_context *server = ends_context(
	    (struct tls_settings){.role = TLS_SERVER, .peer = TLS_PEER_ASK});
	struct pair_signer signer;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_rsa = i % 2;
		struct tls_context *client =
		    ends_context((struct tls_settings){.role = TLS_CLIENT,
			.grade = {.max = TLS_1_2 + i / 2},
			.identify = ends_identify_by});
		struct pair p;

		ends_identify(&signer, is_rsa ? made.rsa : made.p384,
		    is_rsa ? &made.rsa_pem : &made.p384_pem);
		pair_init(&p, server, client);
		task_start(accept_painted, &p.server);
		task_start(say_hello, &p.client);
		loop_run();
		assert_int_equal(p.server.r, 0);
		pair_done(&p);
		tls_context_free(&client);
		tls_identity_free(&ends_identity);
	}
	tls_context_free(&server);
	/* Of TASK_STACK, which is 256 KiB: the client's certificate verified,
	 * our own signature by the test's signer, on this stack, included. */
	assert_in_range(depth, 1, 64 * 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshakes),
	    cmocka_unit_test(test_bad_settings),
	    cmocka_unit_test(test_no_key),
	    cmocka_unit_test(test_switch),
	    cmocka_unit_test(test_waits),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_depth),
	};

	srand(1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
