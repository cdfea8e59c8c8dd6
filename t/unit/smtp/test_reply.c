/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "reply.h"

#include <string.h>

/* The lines, each at a guard page: what the last one made of the reply. */
static enum reply_step
feed(struct reply *r, struct str lines)
{
	enum reply_step step = REPLY_MORE;
	struct str line;

	reply_reset(r);
	while (step == REPLY_MORE && lines.len > 0) {
		str_cut(lines, '\n', &line, &lines);
		line = guard_copy(line);
		step = reply_add(r, line);
		guard_free(line);
	}
	return step;
}

static void
test_replies(void **state)
{
	static const struct {
		const char *lines;
		enum reply_step step;
		unsigned code;
		const char *dsn, *text;
	} rows[] = {
	    {"250 2.1.0 Ok", REPLY_DONE, 250, "2.1.0", "250 2.1.0 Ok"},
	    {"250", REPLY_DONE, 250, "2.0.0", "250"},
	    {"250 ", REPLY_DONE, 250, "2.0.0", "250 "},
	    {"450 4.7.1", REPLY_DONE, 450, "4.7.1", "450 4.7.1"},
	    {"550 User unknown", REPLY_DONE, 550, "5.0.0", "550 User unknown"},
	    {"550 4.1.1 odd", REPLY_DONE, 550, "5.0.0", "550 4.1.1 odd"},
	    {"550 5.1.1x odd", REPLY_DONE, 550, "5.0.0", "550 5.1.1x odd"},
	    {"550 5.1234.1 odd", REPLY_DONE, 550, "5.0.0", "550 5.1234.1 odd"},
	    {"550 5.123.123 all", REPLY_DONE, 550, "5.123.123",
		"550 5.123.123 all"},
	    {"354 go", REPLY_DONE, 354, "3.0.0", "354 go"},
	    {"250-a\n250 b", REPLY_DONE, 250, "2.0.0", "250-a\n250 b"},
	    {"550-5.7.1 a\n550 5.1.1 b", REPLY_DONE, 550, "5.7.1",
		"550-5.7.1 a\n550 5.1.1 b"},
	    {"250-a\n550 5.1.1 b", REPLY_DONE, 550, "5.1.1",
		"250-a\n550 5.1.1 b"},
	    {"250-a", REPLY_MORE, 250, "2.0.0", "250-a"},
	    {"250-", REPLY_MORE, 250, "2.0.0", "250-"},
	    {"250 a\001b\tc\rd\177", REPLY_DONE, 250, "2.0.0", "250 a?b?c?d?"},
	    {"250 \xc3\xa9\xe9\x9b"
	     "1m\xc2\x9b",
		REPLY_DONE, 250, "2.0.0", "250 \xc3\xa9??1m??"},
	    {"", REPLY_MORE, 0, "", ""},
	    {"\n", REPLY_BAD, 0, "", ""},
	    {"25", REPLY_BAD, 0, "", "25"},
	    {"2500 x", REPLY_BAD, 0, "", "2500 x"},
	    {"150 x", REPLY_BAD, 0, "", "150 x"},
	    {"650 x", REPLY_BAD, 0, "", "650 x"},
	    {"250x", REPLY_BAD, 0, "", "250x"},
	    {"250\tx", REPLY_BAD, 0, "", "250?x"},
	    {" 250 x", REPLY_BAD, 0, "", " 250 x"},
	    {"HTTP/1.1 400 Bad Request", REPLY_BAD, 0, "",
		"HTTP/1.1 400 Bad Request"},
	    {"250-a\njunk", REPLY_BAD, 250, "2.0.0", "250-a\njunk"},
	};
	struct reply r;

	(void)state;
	reply_init(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum reply_step step = feed(&r, str_c(rows[i].lines));
		if (step != rows[i].step || r.code != rows[i].code ||
		    strcmp(r.dsn, rows[i].dsn) != 0 ||
		    strcmp(r.text.p, rows[i].text) != 0)
			fail_msg("\"%s\": %d, %u, %s, \"%s\"", rows[i].lines,
			    (int)step, r.code, r.dsn, r.text.p);
	}
	assert_int_equal(feed(&r, STR("250 a\0b")), REPLY_DONE);
	assert_string_equal(r.text.p, "250 a?b");
	reply_done(&r);
}

/* A server that never ends, and one that speaks at length. */
static void
test_bounds(void **state)
{
	enum reply_step step = REPLY_MORE;
	char line[4000];
	struct reply r;
	unsigned n = 0;

	(void)state;
	reply_init(&r);
	while (step == REPLY_MORE && n++ < 10000)
		step = reply_add(&r, STR("250-more"));
	assert_int_equal(step, REPLY_BAD);
	assert_int_equal(n, REPLY_LINES_MAX + 1);

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	reply_reset(&r);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    reply_add(&r, str_n(line, sizeof(line))), REPLY_MORE);
	assert_int_equal(reply_add(&r, STR("250 end")), REPLY_DONE);
	assert_true(r.text.len <= REPLY_TEXT_MAX);
	reply_done(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_replies),
    cmocka_unit_test(test_bounds),
};

TAP_RUN(tests)
