/* SPDX-License-Identifier: ISC */
/* What TLS has one sign is known; all else, however near, is not. */
#include "guard.h"
#include "made.h"
#include "tap.h"

#include "form.h"

static struct buf message;

static enum form
parse(void)
{
	struct str s = guard_copy(buf_str(&message));
	enum form form = form_parse(s);

	guard_free(s);
	return form;
}

static void
begin(void)
{
	buf_init(&message, 100000);
}

static void
fill(size_t n, char c)
{
	while (n-- > 0)
		buf_add_char(&message, c);
}

static void
number(size_t n, size_t bytes)
{
	while (bytes-- > 0)
		buf_add_char(&message, (char)(n >> 8 * bytes));
}

/* All that is shorter, by a byte at a time, is something else. */
static void
only_whole(enum form form)
{
	size_t whole = message.len;

	assert_int_equal(parse(), form);
	while (message.len > 0) {
		buf_cut(&message, message.len - 1);
		if (form == FORM_SERVER_13 || form == FORM_CLIENT_13)
			if (message.len == whole - 16)
				continue; /* SHA-256 in place of SHA-384 */
		assert_int_equal(parse(), FORM_OTHER);
	}
	buf_done(&message);
}

static void
tls13(void **state)
{
	static const struct {
		const char *side;
		enum form form;
	} sides[] = {{"server", FORM_SERVER_13}, {"client", FORM_CLIENT_13}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (size_t hash = 0; hash < 70; hash++) {
			begin();
			made_message(sides[i].side, hash, &message);
			assert_int_equal(parse(), hash == 32 || hash == 48
						      ? sides[i].form
						      : FORM_OTHER);
			buf_done(&message);
		}
		begin();
		made_message(sides[i].side, 48, &message);
		only_whole(sides[i].form);
	}
	/* Each byte before the hash counts. */
	for (size_t i = 0; i < 64 + 34; i++) {
		begin();
		made_message("server", 32, &message);
		message.p[i] ^= 1;
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
	}
	begin();
	made_message("nobody", 32, &message);
	assert_int_equal(parse(), FORM_OTHER);
	buf_done(&message);
}

static void
ecdhe(size_t type, size_t curve, size_t point, size_t told, char first)
{
	begin();
	fill(64, 'r');
	number(type, 1);
	number(curve, 2);
	number(told, 1);
	buf_add_char(&message, first);
	fill(point - 1, 'p');
}

static void
tls12_ecdhe(void **state)
{
	static const size_t curves[][2] = {
	    {23, 65}, {24, 97}, {25, 133}, {29, 32}, {30, 56}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		size_t curve = curves[i][0], point = curves[i][1];

		ecdhe(3, curve, point, point, 4);
		only_whole(FORM_SERVER_12);
		ecdhe(3, curve, point + 1, point, 4);
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
		ecdhe(3, curve, point + 1, point + 1, 4);
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
		ecdhe(1, curve, point, point, 4);
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
		ecdhe(3, curve, point, point, 3); /* compressed */
		assert_int_equal(
		    parse(), curve >= 29 ? FORM_SERVER_12 : FORM_OTHER);
		buf_done(&message);
	}
	ecdhe(3, 22, 65, 65, 4);
	assert_int_equal(parse(), FORM_OTHER);
	buf_done(&message);
}

static void
dhe(size_t p, size_t g, size_t y)
{
	begin();
	fill(64, ' '); /* as a message of TLS 1.3 begins */
	number(p, 2);
	fill(p, 'p');
	number(g, 2);
	fill(g, 'g');
	number(y, 2);
	fill(y, 'y');
}

static void
tls12_dhe(void **state)
{
	static const struct {
		size_t p, g, y;
		bool ok;
	} cases[] = {
	    {256, 1, 256, true},
	    {1024, 1, 1024, true},
	    {768, 1, 768, true}, /* a length that begins as a curve does */
	    {255, 1, 255, false},
	    {128, 1, 128, false},
	    {1025, 1, 1025, false},
	    {256, 0, 256, false},
	    {256, 257, 256, false},
	    {256, 1, 0, false},
	    {256, 1, 257, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		dhe(cases[i].p, cases[i].g, cases[i].y);
		if (cases[i].ok) {
			only_whole(FORM_SERVER_12);
			continue;
		}
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
	}
}

static void
handshake(const char *types)
{
	begin();
	for (; *types != '\0'; types++) {
		number((unsigned char)*types, 1);
		number(5, 3);
		fill(5, 'm');
	}
}

static void
tls12_client(void **state)
{
	static const struct {
		const char *types;
		enum form form;
	} cases[] = {
	    {"\1\2\13\14\15\16\13\20", FORM_CLIENT_12},
	    {"\1\2\13\26\14\15\16\13\20", FORM_CLIENT_12},
	    {"\1\2\13\15\16\13\20", FORM_CLIENT_12},
	    {"\1\2\13\14\16\13\20", FORM_OTHER}, /* nobody asked */
	    {"\1\2\13\14\15\16\13", FORM_OTHER},
	    {"\1\2\13\14\15\16\20", FORM_OTHER},
	    {"\1\2\13\14\15\16\13\20\20", FORM_OTHER},
	    {"\1\2\13\14\15\16\13\20\17", FORM_OTHER},
	    {"\2\1\13\14\15\16\13\20", FORM_OTHER},
	    {"\1\1\2\13\14\15\16\13\20", FORM_OTHER},
	    {"\1", FORM_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		handshake(cases[i].types);
		if (cases[i].form == FORM_CLIENT_12) {
			only_whole(FORM_CLIENT_12);
			continue;
		}
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
	}
	/* A length that runs beyond the end. */
	begin();
	buf_add(&message, "\1\xff\xff\xff", 4);
	assert_int_equal(parse(), FORM_OTHER);
	buf_done(&message);
}

/* Digests, letters, and what DKIM has one sign. */
static void
others(void **state)
{
	static const char *const texts[] = {"",
	    "from:a@b.test\r\nsubject:x\r\ndkim-signature:v=1; a=rsa-sha256",
	    "                                                                "};

	(void)state;
	for (size_t n = 0; n < 64; n++) {
		begin();
		fill(n, (char)n);
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		begin();
		buf_add_c(&message, texts[i]);
		assert_int_equal(parse(), FORM_OTHER);
		buf_done(&message);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tls13),
    cmocka_unit_test(tls12_ecdhe),
    cmocka_unit_test(tls12_dhe),
    cmocka_unit_test(tls12_client),
    cmocka_unit_test(others),
};

TAP_RUN(tests)
