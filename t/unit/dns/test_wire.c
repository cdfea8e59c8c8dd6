/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "packet.h"

static struct arena a;
static struct buf b;
static struct wire_question q;
static struct dns_answer answer;
static struct wire_name next;

#define OK 0x8180 /* an answer, recursion desired and available */

static void
ask(const char *name, unsigned type)
{
	q = (struct wire_question){.type = (uint16_t)type, .id = 0x1234};
	assert_int_equal(wire_name_parse(str_c(name), &q.name), 0);
	arena_reset(&a);
	buf_reset(&b);
}

/* What is in `b`, read at a guard page. */
static enum wire_verdict
read_back(bool trusted)
{
	struct str packet = guard_copy(buf_str(&b));
	enum wire_verdict v =
	    wire_read(&q, packet, trusted, &a, &answer, &next);

	guard_free(packet);
	return v;
}

static const struct dns_record *
record(size_t i)
{
	assert_true(i < answer.records.n);
	return (const struct dns_record *)answer.records.p + i;
}

static void
test_names(void **state)
{
	static const char *const bad[] = {".a", "a..b", "..", "a.b..", "a b",
	    "a\\b", "\x80.example", "a\n", "\t"};
	char label[65], name[300] = "";
	struct wire_name n;

	(void)state;
	assert_int_equal(wire_name_parse(STR("Example.ORG."), &n), 0);
	assert_int_equal(n.len, 13);
	assert_memory_equal(n.bytes, "\7Example\3ORG", 13);
	assert_str(wire_name_format(&n, &a), "example.org");
	assert_int_equal(wire_name_parse(STR("."), &n), 0);
	assert_int_equal(n.len, 1);
	assert_str(wire_name_format(&n, &a), "");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wire_name_parse(str_c(bad[i]), &n), -22);
	memset(label, 'a', 64);
	assert_int_equal(wire_name_parse(str_n(label, 64), &n), -22);
	assert_int_equal(wire_name_parse(str_n(label, 63), &n), 0);
	for (size_t i = 0; i < 300; i++)
		name[i] = i % 50 == 49 ? '.' : 'x';
	assert_int_equal(wire_name_parse(str_n(name, 253), &n), 0);
	assert_int_equal(n.len, 255);
	assert_int_equal(wire_name_parse(str_n(name, 254), &n), -22);

	n = (struct wire_name){.bytes = "\4a.\n\xff\1B", .len = 8};
	assert_str(wire_name_format(&n, &a), "a\\046\\010\\255.b");
}

static void
test_question(void **state)
{
	BUF_CLEANUP struct buf out = {0};

	(void)state;
	buf_init(&out, WIRE_PACKET_MAX);
	ask("Example.org", DNS_MX);
	q.edns = true;
	q.want_ad = true;
	assert_int_equal(wire_ask(&q, &out), 0);
	/* The case is kept; one additional record: OPT of 1232 bytes. */
	assert_memory_equal(out.p,
	    "\x12\x34\x01\x20\0\1\0\0\0\0\0\1\7Example\3org\0\0\17\0\1"
	    "\0\0\x29\x04\xd0\0\0\0\0\0\0",
	    out.len);
	assert_int_equal(out.len, 12 + 13 + 4 + 11);
}

static void
test_match(void **state)
{
	struct wire_question other;

	(void)state;
	ask("Example.org", DNS_MX);
	assert_int_equal(wire_match(&q, STR_NONE, true), WIRE_FOREIGN);
	put_header(&b, q.id, OK, 1, 0, 0);
	put_question(&b, &q);
	assert_int_equal(wire_match(&q, buf_str(&b), true), WIRE_MATCH);
	for (size_t n = 0; n < b.len; n++) {
		struct str cut = guard_copy(str_sub(buf_str(&b), 0, n));
		assert_int_not_equal(wire_match(&q, cut, true), WIRE_MATCH);
		guard_free(cut);
	}
	b.p[1] ^= 1; /* another id */
	assert_int_equal(wire_match(&q, buf_str(&b), true), WIRE_FOREIGN);
	b.p[1] ^= 1;
	b.p[2] ^= (char)0x80; /* our own question come back */
	assert_int_equal(wire_match(&q, buf_str(&b), true), WIRE_FOREIGN);
	b.p[2] ^= (char)0x80;

	other = q;
	other.name.bytes[1] = 'e';
	assert_int_equal(wire_match(&other, buf_str(&b), true), WIRE_SUSPECT);
	assert_int_equal(wire_match(&other, buf_str(&b), false), WIRE_MATCH);
	other.name.bytes[1] = 'x';
	assert_int_equal(wire_match(&other, buf_str(&b), false), WIRE_SUSPECT);
	other = q;
	other.type = DNS_A;
	assert_int_equal(wire_match(&other, buf_str(&b), false), WIRE_SUSPECT);
	b.p[5] = 2; /* two questions */
	assert_int_equal(wire_match(&q, buf_str(&b), true), WIRE_SUSPECT);
}

static void
test_mx(void **state)
{
	(void)state;
	ask("example.org", DNS_MX);
	put_header(&b, q.id, OK | 0x20, 1, 3, 0);
	put_question(&b, &q);
	put_mx(&b, "example.org", 300, 20, "b.Example.org");
	put_mx(&b, "EXAMPLE.org", 200, 10, ".");
	put_mx(&b, "other.org", 100, 5, "not.ours");
	assert_int_equal(read_back(true), WIRE_FINAL);
	assert_int_equal(answer.find, FIND_YES);
	assert_int_equal(answer.records.n, 2);
	assert_int_equal(answer.ttl, 200);
	assert_true(answer.secure);
	assert_int_equal(record(0)->preference, 20);
	assert_str(record(0)->data, "b.example.org");
	assert_int_equal(record(1)->preference, 10);
	assert_str(record(1)->data, "");
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_false(answer.secure);
}

static void
test_data(void **state)
{
	(void)state;
	ask("x.example", DNS_TXT);
	put_header(&b, q.id, OK, 1, 1, 0);
	put_question(&b, &q);
	put_rr(&b, "x.example", DNS_TXT, 1, "\3abc\0\2de", 8);
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_str(record(0)->data, "abcde");

	ask("x.example", DNS_A);
	put_header(&b, q.id, OK, 1, 2, 0);
	put_question(&b, &q);
	put_rr(&b, "x.example", DNS_A, UINT32_MAX, "\300\0\2\1", 4);
	put_rr(&b, "x.example", DNS_AAAA, 9, "0123456789abcdef", 16);
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_int_equal(answer.records.n, 1);
	assert_int_equal(answer.ttl, 0); /* RFC 2181: the top bit is set */

	ask("x.example", DNS_TLSA);
	put_header(&b, q.id, OK, 1, 1, 0);
	put_question(&b, &q);
	put_rr(&b, "x.example", DNS_TLSA, 1, "\3\1\1HASH", 7);
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_str(record(0)->data, "\3\1\1HASH");
}

static void
test_aliases(void **state)
{
	char from[20], to[20];

	(void)state;
	for (unsigned n = 1; n <= WIRE_CNAMES_MAX + 1; n++) {
		ask("c0.example", DNS_A);
		put_header(&b, q.id, OK, 1, n + 1, 0);
		put_question(&b, &q);
		snprintf(to, sizeof(to), "c%u.example", n);
		put_rr(&b, to, DNS_A, 50, "\1\2\3\4", 4);
		for (unsigned i = n; i > 0; i--) { /* in the worst order */
			snprintf(from, sizeof(from), "c%u.example", i - 1);
			snprintf(to, sizeof(to), "c%u.example", i);
			put_rr_name(&b, from, DNS_CNAME, 40, to);
		}
		enum wire_verdict v = read_back(false);
		if (n > WIRE_CNAMES_MAX) {
			assert_int_equal(v, WIRE_FAILED);
			assert_int_equal(answer.find, FIND_RETRY);
			break;
		}
		assert_int_equal(v, WIRE_FINAL);
		assert_int_equal(answer.records.n, 1);
		assert_int_equal(answer.ttl, 40);
		snprintf(to, sizeof(to), "c%u.example", n);
		assert_str(answer.name, to);
	}

	/* A loop; an alias that leads out of the packet. */
	ask("c0.example", DNS_A);
	put_header(&b, q.id, OK, 1, 2, 0);
	put_question(&b, &q);
	put_rr_name(&b, "c0.example", DNS_CNAME, 40, "c1.example");
	put_rr_name(&b, "c1.example", DNS_CNAME, 40, "c0.example");
	assert_int_equal(read_back(false), WIRE_FAILED);
	ask("c0.example", DNS_A);
	put_header(&b, q.id, OK, 1, 1, 0);
	put_question(&b, &q);
	put_rr_name(&b, "c0.example", DNS_CNAME, 40, "far.example");
	assert_int_equal(read_back(false), WIRE_ASK_ON);
	assert_str(wire_name_format(&next, &a), "far.example");
	ask("c0.example", DNS_CNAME); /* asked for, it is the answer */
	put_header(&b, q.id, OK, 1, 1, 0);
	put_question(&b, &q);
	put_rr_name(&b, "c0.example", DNS_CNAME, 40, "far.example");
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_str(record(0)->data, "far.example");
}

static void
test_name_servers(void **state)
{
	(void)state;
	ask("x.example", DNS_NS);
	put_header(&b, q.id, OK, 1, 2, 0);
	put_question(&b, &q);
	put_rr_name(&b, "x.example", DNS_NS, 40, "NS1.x.example");
	put_rr_name(&b, "x.example", DNS_NS, 40, "ns.far.example");
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_int_equal(answer.records.n, 2);
	assert_str(record(0)->data, "ns1.x.example");
	assert_str(record(1)->data, "ns.far.example");
}

static void
test_no(void **state)
{
	static const struct {
		unsigned flags;
		uint32_t ttl, minimum;
		int soa, nxdomain;
		uint64_t keep;
	} rows[] = {
	    {OK | 3, 600, 60, 1, 1, 60}, {OK | 3, 60, 600, 1, 1, 60},
	    {OK, 60, 600, 1, 0, 60},
	    {OK | 3, 60, 600, 0, 1, 0}, /* no SOA: not to be kept */
	    {OK, 60, 600, 0, 0, 0},
	    {0x8403, 60, 600, 1, 1, 60}, /* authoritative, no recursion */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask("no.example", DNS_MX);
		put_header(
		    &b, q.id, rows[i].flags, 1, 0, (unsigned)rows[i].soa);
		put_question(&b, &q);
		if (rows[i].soa)
			put_soa(&b, "example", rows[i].ttl, rows[i].minimum);
		assert_int_equal(read_back(false), WIRE_FINAL);
		assert_int_equal(answer.find, FIND_NO);
		assert_int_equal(answer.nxdomain, rows[i].nxdomain);
		assert_int_equal(answer.ttl, rows[i].keep);
	}
}

static void
test_could_not_ask(void **state)
{
	static const struct {
		unsigned flags;
		bool edns;
		enum wire_verdict verdict;
	} rows[] = {
	    {OK | 2, true, WIRE_FAILED},  /* SERVFAIL */
	    {OK | 5, true, WIRE_FAILED},  /* REFUSED */
	    {OK | 1, true, WIRE_NO_EDNS}, /* FORMERR */
	    {OK | 1, false, WIRE_FAILED},
	    {OK | 4, true, WIRE_NO_EDNS}, /* NOTIMP */
	    {OK | 9, false, WIRE_FAILED}, {0x8380, true, WIRE_TRUNCATED},
	    {0x8100, true, WIRE_FAILED}, /* neither RA nor AA: lame */
	    {0x8103, true, WIRE_FAILED}, /* so is its NXDOMAIN */
	    {0xa980, true, WIRE_FAILED}, /* an opcode of its own */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask("x.example", DNS_MX);
		q.edns = rows[i].edns;
		put_header(&b, q.id, rows[i].flags, 1, 0, 0);
		put_question(&b, &q);
		assert_int_equal(read_back(false), rows[i].verdict);
		if (rows[i].verdict == WIRE_FAILED)
			assert_int_equal(answer.find, FIND_RETRY);
	}
}

static void
test_bounds(void **state)
{
	(void)state;
	ask("m.x", DNS_A);
	put_header(&b, q.id, OK, 1, 1000, 0);
	put_question(&b, &q);
	for (int i = 0; i < 1000; i++)
		put_rr(&b, "m.x", DNS_A, 50, "\1\2\3\4", 4);
	assert_int_equal(read_back(false), WIRE_FINAL);
	assert_int_equal(answer.records.n, DNS_RECORDS_MAX);

	ask("m.x", DNS_A);
	put_header(&b, q.id, OK, 1, 65535, 65535);
	put_question(&b, &q);
	assert_int_equal(read_back(false), WIRE_FAILED);
}

/* Each cut of a good answer is a failure; of each of its bits changed none
 * leads the parser beyond the packet. */
static void
test_cut_and_bent(void **state)
{
	BUF_CLEANUP struct buf good = {0};

	(void)state;
	buf_init(&good, WIRE_PACKET_MAX);
	ask("example.org", DNS_MX);
	put_header(&good, q.id, OK, 1, 2, 0);
	put_question(&good, &q);
	put_mx(&good, "example.org", 300, 20, "b.example.org");
	put_mx(&good, "example.org", 300, 10, "a.example.org");
	for (size_t n = 0; n < good.len; n++) {
		ask("example.org", DNS_MX);
		buf_add(&b, good.p, n);
		assert_int_equal(read_back(false), WIRE_FAILED);
	}
	for (size_t n = 12; n < good.len; n++)
		for (unsigned bit = 0; bit < 8; bit++) {
			ask("example.org", DNS_MX);
			buf_add(&b, good.p, good.len);
			b.p[n] ^= (char)(1u << bit);
			read_back(false);
		}
}

/* Names that point at themselves, at each other, forward, and a long chain
 * of pointers that a thousand records use. */
static void
test_compression(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} rows[] = {
	    {"\300\14\300\14", 4},
	    {"\300\41", 2},
	    {"\300\43\300\41", 4},
	    {"\377\377", 2},
	    {"\300\0", 2},
	    {"\1a\300\41", 4},
	    {"\100abc", 4},
	    {"\200abc", 4},
	    {"\77a", 2},
	    {"\300", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask("example.org", DNS_A);
		put_header(&b, q.id, OK, 1, 1, 0);
		put_question(&b, &q);
		buf_add(&b, rows[i].name, rows[i].n);
		buf_add(&b, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
		enum wire_verdict v = read_back(false);
		if (v == WIRE_FINAL)
			assert_int_equal(answer.records.n, 0);
	}

	ask("x", DNS_A);
	put_header(&b, q.id, OK, 1, 2001, 0);
	put_question(&b, &q);
	put_name(&b, "x");
	put_u16(&b, 99);
	put_u16(&b, 1);
	put_u32(&b, 1);
	put_u16(&b, 16000);
	size_t at = b.len;
	put_u16(&b, 0xc00c);
	for (size_t i = 1; i < 8000; i++)
		put_u16(&b, 0xc000u | (unsigned)(at + 2 * (i - 1)));
	for (size_t i = 0; i < 2000; i++) {
		put_u16(&b, 0xc000u | (unsigned)(at + 2 * 7999));
		buf_add(&b, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
	}
	int64_t started = (clock_update(), clock_mono());
	read_back(false);
	clock_update();
	assert_true(clock_mono() - started < CLOCK_SEC);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names),
    cmocka_unit_test(test_question),
    cmocka_unit_test(test_match),
    cmocka_unit_test(test_mx),
    cmocka_unit_test(test_data),
    cmocka_unit_test(test_aliases),
    cmocka_unit_test(test_name_servers),
    cmocka_unit_test(test_no),
    cmocka_unit_test(test_could_not_ask),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_cut_and_bent),
    cmocka_unit_test(test_compression),
};

int
main(void)
{
	arena_init(&a, 4 << 20);
	buf_init(&b, WIRE_PACKET_MAX);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&a);
	buf_done(&b);
	return failed;
}
