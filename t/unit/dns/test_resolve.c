/* SPDX-License-Identifier: ISC */
/*
 * A resolver of the test's own, on loopback, that answers by the first label
 * of the name it is asked: well, badly, too late, or as somebody else.
 */
#include "tap.h"

#include "packet.h"
#include "resolve.h"

#include "base/task.h"

#include <assert.h>
#include <sys/socket.h>
#include <stdio.h>
#include <unistd.h>

#define OK 0x8180

static struct server {
	struct io udp, tcp;
	uint16_t port;
	bool root; /* knows the root */
	unsigned asked_udp, asked_tcp;
} server;

struct query {
	struct wire_question q;
	struct str label; /* the first, lower case */
	char bytes[64];
	bool edns;
};

static struct arena arena;

static void
parse_query(struct str packet, struct query *ret)
{
	const uint8_t *p = (const uint8_t *)packet.p;
	size_t at = 12;

	*ret = (struct query){.edns = p[11] == 1};
	ret->q.id = (uint16_t)(p[0] << 8 | p[1]);
	while (p[at] != 0)
		at += 1u + p[at];
	ret->q.name.len = at + 1 - 12;
	memcpy(ret->q.name.bytes, p + 12, ret->q.name.len);
	ret->q.type = (uint16_t)(p[at + 1] << 8 | p[at + 2]);
	for (size_t i = 0; i < p[12] && i < sizeof(ret->bytes); i++)
		ret->bytes[i] = str_lower_char((char)p[13 + i]);
	ret->label = str_n(ret->bytes, p[12]);
}

static bool
is(const struct query *q, const char *label)
{
	return str_eq(q->label, str_c(label));
}

static void
put_head(struct buf *b, const struct query *q, unsigned flags, unsigned an,
    unsigned ns)
{
	put_header(b, q->q.id, flags, 1, an, ns);
	put_question(b, &q->q);
}

static void
put_address(struct buf *b, const struct query *q)
{
	put_head(b, q, OK | 0x20, 1, 0);
	buf_add(b, "\300\14\0\1\0\1\0\0\0\74\0\4\1\2\3\4", 16);
}

static void
put_errors(struct buf *b, const struct query *q)
{
	if (is(q, "servfail"))
		put_head(b, q, OK | 2, 0, 0);
	else if (is(q, "refused"))
		put_head(b, q, OK | 5, 0, 0);
	else if (is(q, "lame"))
		put_head(b, q, 0x8100, 0, 0);
	else if (is(q, "noquestion"))
		put_header(b, q->q.id, OK, 0, 0, 0);
	else if (is(q, "formerr") && q->edns)
		put_head(b, q, OK | 1, 0, 0);
	else
		put_address(b, q);
}

/* The right answer, where there is one. */
static void
put_answer(struct buf *b, const struct query *q)
{
	buf_reset(b);
	if (q->q.name.len == 1) {
		put_head(b, q, server.root ? OK : OK | 3, server.root, 0);
		if (server.root)
			put_rr_name(b, ".", 2, 60, "a.root");
	} else if (is(q, "nx")) {
		put_head(b, q, OK | 3, 0, 1);
		put_soa(b, "example", 60, 60);
	} else if (is(q, "nodata")) {
		put_head(b, q, OK, 0, 1);
		put_soa(b, "example", 60, 60);
	} else if (is(q, "big")) {
		put_head(b, q, OK, 1000, 0);
		for (int i = 0; i < 1000; i++)
			buf_add(b, "\300\14\0\1\0\1\0\0\0\74\0\4\1\2\3\4", 16);
	} else if (is(q, "alias")) {
		put_head(b, q, OK, 1, 0);
		put_rr_name(b, "alias.example", DNS_CNAME, 9, "ok.example");
	} else if (is(q, "ring")) {
		put_head(b, q, OK, 1, 0);
		put_rr_name(b, "ring.example", DNS_CNAME, 9, "gnir.example");
	} else if (is(q, "gnir")) {
		put_head(b, q, OK, 1, 0);
		put_rr_name(b, "gnir.example", DNS_CNAME, 9, "ring.example");
	} else {
		put_errors(b, q);
	}
}

/* What UDP makes of it; false: says nothing. */
static bool
spoil(struct buf *b, struct query *q)
{
	if (is(q, "silent") || is(q, "wrongid"))
		return false;
	if (is(q, "big") || is(q, "tc")) {
		buf_reset(b);
		put_head(b, q, OK | 0x200, 0, 0);
	} else if (is(q, "othername")) {
		b->p[13] ^= 1;
	} else if (is(q, "othertype")) {
		b->p[12 + q->q.name.len + 1] ^= 1;
	} else if (is(q, "lowercase")) {
		for (size_t i = 13; i < 12 + q->q.name.len; i++)
			b->p[i] = str_upper_char(b->p[i]) == b->p[i]
			              ? str_lower_char(b->p[i])
			              : str_upper_char(b->p[i]);
	}
	return true;
}

static void
send_forgeries(struct query *q, const struct sockaddr *to, socklen_t len)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, WIRE_PACKET_MAX);
	if (!is(q, "wrongid") && !is(q, "forged"))
		return;
	for (int i = 1; i <= 20; i++) {
		struct query forged = *q;
		forged.q.id = (uint16_t)(forged.q.id + i);
		buf_reset(&b);
		put_head(&b, &forged, OK, 1, 0);
		buf_add(&b, "\300\14\0\1\0\1\0\0\0\74\0\4\6\6\6\6", 16);
		sendto(server.udp.fd, b.p, b.len, 0, to, len);
	}
	sendto(server.udp.fd, "", 0, 0, to, len);
}

static void
serve_udp(void *arg)
{
	BUF_CLEANUP struct buf b = {0};
	char packet[2000];

	(void)arg;
	buf_init(&b, WIRE_PACKET_MAX);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		struct query q;
		ssize_t n = recvfrom(server.udp.fd, packet, sizeof(packet), 0,
		    (struct sockaddr *)&from, &len);
		if (n < 0) {
			server.udp.readable = false;
			if (io_wait_read(&server.udp, CLOCK_NEVER) != 0)
				return;
			continue;
		}
		server.asked_udp++;
		parse_query(str_n(packet, (size_t)n), &q);
		send_forgeries(&q, (struct sockaddr *)&from, len);
		put_answer(&b, &q);
		if (spoil(&b, &q))
			sendto(server.udp.fd, b.p, b.len, 0,
			    (struct sockaddr *)&from, len);
	}
}

static void
serve_tcp(void *arg)
{
	BUF_CLEANUP struct buf b = {0};
	char packet[2000];
	struct sockaddr_storage from;
	int fd;

	(void)arg;
	buf_init(&b, WIRE_PACKET_MAX);
	while ((fd = io_accept(&server.tcp, &from, CLOCK_NEVER)) >= 0) {
		struct io io;
		struct query q;
		assert(io_init(&io, fd) == 0);
		ssize_t n = io_read(
		    &io, packet, sizeof(packet), clock_after(CLOCK_SEC));
		assert(n > 14);
		server.asked_tcp++;
		parse_query(str_n(packet + 2, (size_t)n - 2), &q);
		put_answer(&b, &q);
		char head[2] = {(char)(b.len >> 8), (char)b.len};
		io_write_all(&io, head, 1, CLOCK_NEVER);
		io_write_all(&io, head + 1, 1, CLOCK_NEVER);
		io_write_all(&io, b.p, b.len, CLOCK_NEVER);
		io_done(&io);
	}
}

static int
bind_here(int type, uint16_t port)
{
	struct ip here = {4, {127, 0, 0, 1}};
	struct sockaddr_storage ss;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = ip_to_sockaddr(&here, port, &ss);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&ss, len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One port that is free for both. */
static void
start_server(void)
{
	int tcp = -1, udp = -1;

	server = (struct server){.root = true};
	while (udp < 0) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct ip ip;
		if (tcp >= 0)
			close(tcp);
		tcp = bind_here(SOCK_STREAM, 0);
		assert(tcp >= 0 && listen(tcp, 10) == 0);
		getsockname(tcp, (struct sockaddr *)&ss, &len);
		ip_from_sockaddr((struct sockaddr *)&ss, &ip, &server.port);
		udp = bind_here(SOCK_DGRAM, server.port);
	}
	assert(io_init(&server.udp, udp) == 0);
	assert(io_init(&server.tcp, tcp) == 0);
	task_start(serve_udp, NULL);
	task_start(serve_tcp, NULL);
}

static struct resolve *
new_resolve(const char *others)
{
	BUF_CLEANUP struct buf text = {0}, why = {0};
	struct resolvers r;

	buf_init(&text, 200);
	buf_init(&why, 200);
	buf_addf(&text, "%s 127.0.0.1:%u", others, server.port);
	assert(resolvers_parse(&r, buf_str(&text), &why) == 0);
	r.wait = 50 * CLOCK_MS;
	return resolve_new(&r);
}

static struct dns_answer
ask(struct resolve *r, const char *name)
{
	struct dns_answer answer;

	arena_reset(&arena);
	resolve_ask(r, str_c(name), DNS_A, &arena, &answer);
	return answer;
}

static bool
is_right(const struct dns_answer *answer)
{
	const struct dns_record *r = answer->records.p;

	return answer->find == FIND_YES && answer->records.n > 0 &&
	       str_eq(r->data, STR("\1\2\3\4"));
}

/* ---- each runs in a task ---- */

static void
try_answers(struct resolve *r)
{
	static const struct {
		const char *name;
		enum find find;
		unsigned tcp; /* connections it takes */
	} rows[] = {
	    {"ok.example", FIND_YES, 0},
	    {"forged.example", FIND_YES, 0},
	    {"othername.example", FIND_YES, 1},
	    {"othertype.example", FIND_YES, 1},
	    {"lowercase.example", FIND_YES, 1},
	    {"tc.example", FIND_YES, 1},
	    {"big.example", FIND_YES, 1},
	    {"alias.example", FIND_YES, 0},
	    {"ring.example", FIND_RETRY, 0},
	    {"nx.example", FIND_NO, 0},
	    {"nodata.example", FIND_NO, 0},
	    {"servfail.example", FIND_RETRY, 0},
	    {"refused.example", FIND_RETRY, 0},
	    {"lame.example", FIND_RETRY, 0},
	    {"noquestion.example", FIND_RETRY, 1},
	    {"silent.example", FIND_RETRY, 0},
	    {"wrongid.example", FIND_RETRY, 0},
	    {"no..such.name", FIND_NO, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		server.asked_tcp = 0;
		struct dns_answer got = ask(r, rows[i].name);
		if (got.find != rows[i].find ||
		    (got.find == FIND_YES && !is_right(&got)) ||
		    (server.asked_tcp > 0) != (rows[i].tcp > 0))
			fail_msg("%s: %d %.*s (%u by TCP)", rows[i].name,
			    (int)got.find, STR_ARG(got.why), server.asked_tcp);
	}
	assert_int_equal(ask(r, "big.example").records.n, DNS_RECORDS_MAX);
	assert_true(ask(r, "nx.example").nxdomain);
	assert_false(ask(r, "nodata.example").nxdomain);
	assert_str(ask(r, "alias.example").name, "ok.example");
	assert_true(ask(r, "ok.example").secure);
}

static void
try_cache(struct resolve *r)
{
	unsigned before;

	ask(r, "ok.example");
	before = server.asked_udp;
	assert_true(before > 0);
	struct dns_answer got = ask(r, "OK.Example");
	assert_true(is_right(&got));
	ask(r, "nx.example");
	ask(r, "nx.example");
	ask(r, "servfail.example");
	ask(r, "servfail.example");
	/* One for each, and one for the root. */
	assert_int_equal(server.asked_udp, before + 3);
}

/* It denies the root, so its NXDOMAIN is no reason to bounce. */
static void
try_no_root(struct resolve *r)
{
	server.root = false;
	assert_int_equal(ask(r, "nx.example").find, FIND_RETRY);
	assert_int_equal(ask(r, "nodata.example").find, FIND_NO);
	server.root = true;
}

static void
try_no_edns(struct resolve *r)
{
	struct dns_answer got = ask(r, "formerr.example");

	assert_true(is_right(&got));
	assert_int_equal(server.asked_udp, 2);
	got = ask(r, "formerr.other");
	assert_true(is_right(&got));
	assert_int_equal(server.asked_udp, 3); /* it was remembered */
}

static struct {
	struct resolve *r;
	unsigned right;
} crowd;

static void
ask_in_crowd(void *arg)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;

	(void)arg;
	arena_init(&a, 2 * WIRE_ANSWER_MAX);
	resolve_ask(crowd.r, STR("tc.example"), DNS_A, &a, &answer);
	if (is_right(&answer))
		crowd.right++;
}

static void
try_crowd(struct resolve *r)
{
	crowd.r = r;
	crowd.right = 0;
	for (int i = 0; i < 50; i++)
		task_start(ask_in_crowd, NULL);
	for (int i = 0; i < 100 && crowd.right < 50; i++)
		task_sleep(clock_after(10 * CLOCK_MS));
	assert_int_equal(crowd.right, 50);
	assert_int_equal(server.asked_udp, 1);
	assert_int_equal(server.asked_tcp, 1);
}

static void
try_second(struct resolve *r)
{
	struct dns_answer got = ask(r, "ok.example");

	assert_true(is_right(&got));
	got = ask(r, "ok.other");
	assert_true(is_right(&got));
}

static void (*running)(struct resolve *);
static const char *running_others;

static void
run_task(void *arg)
{
	(void)arg;
	start_server();
	struct resolve *r = new_resolve(running_others);
	running(r);
	resolve_free(&r);
	/* Ends the server's tasks, and with them the loop. */
	io_done(&server.udp);
	io_done(&server.tcp);
}

static void
run(void (*fn)(struct resolve *), const char *others)
{
	running = fn;
	running_others = others;
	assert_int_equal(loop_init(), 0);
	task_start(run_task, NULL);
	loop_run();
}

static void
test_answers(void **state)
{
	(void)state;
	run(try_answers, "");
}

static void
test_cache(void **state)
{
	(void)state;
	run(try_cache, "");
}

static void
test_no_root(void **state)
{
	(void)state;
	run(try_no_root, "");
}

static void
test_no_edns(void **state)
{
	(void)state;
	run(try_no_edns, "");
}

static void
test_crowd(void **state)
{
	(void)state;
	run(try_crowd, "");
}

/* The first refuses packets, the second is a black hole. */
static void
test_second(void **state)
{
	int fd = bind_here(SOCK_DGRAM, 0);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct ip ip;
	uint16_t port;
	char others[60];

	(void)state;
	getsockname(fd, (struct sockaddr *)&ss, &len);
	ip_from_sockaddr((struct sockaddr *)&ss, &ip, &port);
	snprintf(others, sizeof(others), "127.0.0.1:1 127.0.0.1:%u", port);
	run(try_second, others);
	close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answers),
    cmocka_unit_test(test_cache),
    cmocka_unit_test(test_no_root),
    cmocka_unit_test(test_no_edns),
    cmocka_unit_test(test_crowd),
    cmocka_unit_test(test_second),
};

int
main(void)
{
	arena_init(&arena, 2 * WIRE_ANSWER_MAX);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
