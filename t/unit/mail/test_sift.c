/* SPDX-License-Identifier: ISC */
/*
 * Messages through tables of patterns: what goes on of them, and what was
 * told to be done; cut at every place, each block at a guard page.
 */
#include "dict/env.h"
#include "guard.h"
#include "mail/conf_help.h"

#include "base/task.h"
#include "mail/header.h"
#include "mail/sift.h"

#include <errno.h>

#define MULTI  "Content-Type: multipart/mixed; boundary=b\n\n"
#define RFC822 "Content-Type: message/rfc822\n\n"

static struct fake_env env;
static struct buf out, told;
static struct sift_tables *tables;

static void
take_field(void *arg, struct str field)
{
	struct header h;

	(void)arg;
	assert_true(header_parse_line(field, &h) || header_is_folded(field));
	assert_false(str_has_suffix(field, STR("\n")));
	buf_add_str(&out, field);
	buf_add_char(&out, '\n');
}

static void
end_header(void *arg, bool is_line)
{
	size_t *ends = arg;

	(void)is_line;
	assert_int_equal(++*ends, 1);
	buf_add_char(&out, '\n');
}

static void
put(void *arg, struct str bytes)
{
	(void)arg;
	buf_add_str(&out, bytes);
}

static void
act(void *arg, const struct checks_action *what, bool is_header,
    struct str found)
{
	(void)arg;
	buf_addf(&told, "%s %c <%.*s> <%.*s>;", checks_word(what->verb),
	    is_header ? 'h' : 'b', STR_ARG(str_sub(found, 0, 30)),
	    STR_ARG(what->text));
}

static void
wrong(void *arg, const char *table, struct str answer, const char *why)
{
	(void)arg;
	buf_addf(&told, "wrong %s <%.*s>: %s;", table, STR_ARG(answer), why);
}

static const struct sift_events events = {
    .field = take_field,
    .end_header = end_header,
    .put = put,
    .act = act,
    .wrong = wrong,
};

static int
feed(struct sift *s, struct str bytes)
{
	struct str copy = guard_copy(bytes);
	int r = sift_bytes(s, copy);

	guard_free(copy);
	return r;
}

static int
run(struct str message, size_t cut)
{
	size_t ends = 0;
	struct sift *s = sift_new(tables, &events, &ends);
	int r;

	buf_reset(&out);
	buf_reset(&told);
	r = feed(s, str_sub(message, 0, cut));
	if (r == 0)
		r = feed(s, str_from(message, cut));
	if (r == 0)
		r = sift_end(s);
	sift_free(&s);
	return r;
}

static const struct {
	const char *header, *mime, *nested, *body; /* pcre tables */
	const char *message, *out, *told;
} rows[] = {
    /* Nothing matches: nothing changes. */
    {"/x-none/ REJECT", "", "", "/none/ REJECT", "A: b\n c\nD:e\n\nx\n.\n\ny",
	"A: b\n c\nD:e\n\nx\n.\n\ny", ""},
    {"/^a:/ IGNORE", "", "", "", "", "", ""},
    {"/^a:/ IGNORE", "", "", "", "A: b", "", ""},
    {"/^a:/ IGNORE", "", "", "", "\nA: b\n", "\nA: b\n", ""},
    /* Where a header has no end it gets one. */
    {"/^a:/ DUNNO", "", "", "", "A: b\nno field\n", "A: b\n\nno field\n", ""},
    {"/^a:/ DUNNO", "", "", "", "no field: x y", "\nno field: x y", ""},
    /* Each action. */
    {"/^a:/ STRIP why", "", "", "", "A: b\n c\nD: e\n\nA: x\n",
	"D: e\n\nA: x\n", "strip h <A: b\n c> <why>;"},
    {"/^a: (.*)/ REPLACE B: <$1>", "", "", "", "A: b\n\nx\n", "B: <b>\n\nx\n",
	"replace h <A: b> <B: <b>>;"},
    {"/^a:/ PREPEND B: c", "", "", "", "D: e\nA: b\n\n", "D: e\nB: c\nA: b\n\n",
	"prepend h <A: b> <B: c>;"},
    {"/^a:/ WARN w\n/^b:/ INFO\n/^c:/ OK\n", "", "", "", "A: 1\nB: 2\nC: 3\n\n",
	"A: 1\nB: 2\nC: 3\n\n", "warning h <A: 1> <w>;info h <B: 2> <>;"},
    {"/^a:/ HOLD x\n/^b:/ BCC c@d.e\n/^c:/ FILTER x:y\n", "", "", "",
	"A: 1\nB: 2\nC: 3\n\n", "A: 1\nB: 2\nC: 3\n\n",
	"hold h <A: 1> <x>;bcc h <B: 2> <c@d.e>;filter h <C: 3> <x:y>;"},
    /* The first of these is the last that is done. */
    {"/^a:/ REJECT no\n/^b:/ REJECT\n", "", "", "/x/ REJECT",
	"A: 1\nB: 2\n\nx\n", "A: 1\nB: 2\n\nx\n", "reject h <A: 1> <no>;"},
    {"/^a:/ DISCARD\n/^b:/ REJECT\n", "", "", "", "A: 1\nB: 2\n\n",
	"A: 1\nB: 2\n\n", "discard h <A: 1> <>;"},
    {"/^a:/ REDIRECT x@y.z\n/^b:/ REJECT\n", "", "", "", "A: 1\nB: 2\n\n",
	"A: 1\nB: 2\n\n", "redirect h <A: 1> <x@y.z>;"},
    {"/^a:/ PASS\n/^b:/ IGNORE\n", "", "", "/x/ IGNORE", "A: 1\nB: 2\n\nx\n",
	"A: 1\nB: 2\n\nx\n", "pass h <A: 1> <>;"},
    /* A field is seen with its folds, and goes as a whole. */
    {"/^received:[^\\n]*(.*)/ REPLACE Received: from x$1", "", "", "",
	"Received: from [1.2.3.4]\n\tby h\n\tid 7\nA: b\n\n",
	"Received: from x\n\tby h\n\tid 7\nA: b\n\n",
	"replace h <Received: from [1.2.3.4]\n\tby h> <Received: from x\n\tby "
	"h\n\tid 7>;"},
    {"/1.2.3.4/ IGNORE", "", "", "", "R: a\n\tb\n\t1.2.3.4\nA: b\n\n",
	"A: b\n\n", ""},
    /* What is no answer does nothing, and is told. */
    {"/^a:/ REFUSE x", "", "", "", "A: b\n\n", "A: b\n\n",
	"wrong header_checks <REFUSE x>: not an action;"},
    {"/^a:/ REPLACE", "", "", "", "A: b\n\n", "A: b\n\n",
	"wrong header_checks <REPLACE>: a text is missing;"},
    {"/^a:/ REPLACE no field", "", "", "", "A: b\n\n", "A: b\n\n",
	"wrong header_checks <REPLACE no field>: not a header field, \"name: "
	"value\";"},
    {"/^a:(.*)/ PREPEND B: c${1}x", "", "", "", "A: b\n c\n\n",
	"B: c b\n cx\n"
	"A: b\n c\n\n",
	"prepend h <A: b\n c> <B: c b\n cx>;"},
    {"/^a:\\s(.)\\n (.)/ PREPEND B: $1${2}", "", "", "", "A: b\n c\n\n",
	"B: bc\nA: b\n c\n\n", "prepend h <A: b\n c> <B: bc>;"},
    /* SECURITY: a header never ends where a pattern's text has it. */
    {"/^a:.(.*\\n) (.*)/ PREPEND B: $1$2", "", "", "", "A: b\n c\n\n",
	"A: b\n c\n\n",
	"wrong header_checks <PREPEND B: b\nc>: not a header field, \"name: "
	"value\";"},
    {"/^a:/ BCC x\n/^b:/ REDIRECT y\n/^c:/ FILTER z\n", "", "", "",
	"A: 1\nB: 2\nC: 3\n\n", "A: 1\nB: 2\nC: 3\n\n",
	"wrong header_checks <BCC x>: not an address, user@domain;"
	"wrong header_checks <REDIRECT y>: not an address, user@domain;"
	"wrong header_checks <FILTER z>: not a transport:destination;"},
    /* MIME: what is whose. */
    {"/^/ INFO h", "/^/ INFO m", "/^/ INFO n", "",
	"A: b\nMIME-Version: 1.0\n" MULTI "--b\nA: c\n\nx\n--b\n" RFC822
	"A: d\nContent-ID: e\n\ny\n--b--\n",
	"A: b\nMIME-Version: 1.0\n" MULTI "--b\nA: c\n\nx\n--b\n" RFC822
	"A: d\nContent-ID: e\n\ny\n--b--\n",
	"info h <A: b> <h>;info h <MIME-Version: 1.0> <m>;"
	"info h <Content-Type: multipart/mixed;> <m>;info h <A: c> <m>;"
	"info h <Content-Type: message/rfc822> <m>;info h <A: d> <n>;"
	"info h <Content-ID: e> <m>;"},
    {"", "/name=.*exe/ REJECT bad", "", "",
	MULTI "--b\nContent-Type: a/b;\n name=\"x.exe\"\n\nx\n--b--\n",
	MULTI "--b\nContent-Type: a/b;\n name=\"x.exe\"\n\nx\n--b--\n",
	"reject h <Content-Type: a/b;\n name=\"x.ex> <bad>;"},
    {"", "/^x/ IGNORE\n/^content-type: text/ REPLACE X-Was: text", "", "",
	MULTI "--b\nX: y\nContent-Type: text/plain\n\nx\n--b--\n",
	MULTI "--b\nX-Was: text\n\nx\n--b--\n",
	"replace h <Content-Type: text/plain> <X-Was: text>;"},
    /* Bodies. */
    {"", "", "", "/^secret/ IGNORE\n/old/ REPLACE new\n/^top/ PREPEND > top\n",
	"A: secret\n\nsecret\nx\nold\ntop\nsecret",
	"A: secret\n\nx\nnew\n> top\ntop\n",
	"replace b <old> <new>;prepend b <top> <> top>;"},
    /* As in Postfix, no pattern matches an empty line. */
    {"", "", "", "/^$/ STRIP", "A: b\n\n\nx\n", "A: b\n\n\nx\n", ""},
    {"", "", "", "/z/ WARN", "A: b\n\nC: z\n", "A: b\n\nC: z\n",
	"warning b <C: z> <>;"},
    /* body_checks_size_limit is 20 here, of each part. */
    {"", "", "", "/z/ WARN", "A: b\n\n1234567890\n12345678\nz\n",
	"A: b\n\n1234567890\n12345678\nz\n", ""},
    {"", "", "", "/z/ WARN", "A: b\n\n1234567890\n1234567\nz\nz\n",
	"A: b\n\n1234567890\n1234567\nz\nz\n", "warning b <z> <>;"},
    {"", "", "", "/z/ WARN",
	MULTI "--b\n\n1234567890\n1234567890\nz\n--b\n\nz\n--b--\n",
	MULTI "--b\n\n1234567890\n1234567890\nz\n--b\n\nz\n--b--\n",
	"warning b <z> <>;"},
};

static void
open_tables(size_t i)
{
	const char *const texts[] = {
	    rows[i].header, rows[i].mime, rows[i].nested, rows[i].body};
	static const char *const paths[] = {"/h", "/m", "/n", "/b"};
	struct remarks said;
	struct conf *c = conf_of("header_checks = pcre:/h\n"
				 "mime_header_checks = pcre:/m\n"
				 "nested_header_checks = pcre:/n\n"
				 "body_checks = pcre:/b\n"
				 "body_checks_size_limit = 20\n"
				 "header_size_limit = 100\n"
				 "line_length_limit = 512\n",
	    &said);
	struct buf why;

	buf_init(&why, 1000);
	assert_string_equal(said.text, "");
	fake_init(&env);
	for (size_t k = 0; k < 4; k++)
		env.files[k] = (struct fake_file){paths[k], str_c(texts[k])};
	tables = sift_tables_open(c, &env.env, &why);
	assert_string_equal(why.p, "");
	assert_non_null(tables);
	conf_free(&c);
	buf_done(&why);
}

static void
sift_rows(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str message = str_c(rows[i].message);

		open_tables(i);
		for (size_t cut = 0; cut <= message.len; cut++) {
			assert_int_equal(run(message, cut), 0);
			assert_string_equal(out.p, rows[i].out);
			assert_string_equal(told.p, rows[i].told);
		}
		sift_tables_free(&tables);
	}
}

static void
in_task(void (*what)(void *arg))
{
	buf_init(&out, 1 << 20);
	buf_init(&told, 1 << 16);
	loop_init();
	task_start(what, NULL);
	loop_run();
	loop_done();
	buf_done(&out);
	buf_done(&told);
}

static void
test_rows(void **state)
{
	(void)state;
	in_task(sift_rows);
}

static void
sift_bounds(void *arg)
{
	BUF_CLEANUP struct buf message = {0};
	size_t row = 0;

	(void)arg;
	buf_init(&message, 1 << 20);
	open_tables(row);
	/* A field of header_size_limit bytes, and one of one more. */
	buf_addf(&message, "A: %097d\n\n", 1);
	assert_int_equal(run(buf_str(&message), 5), 0);
	assert_string_equal(out.p, message.p);
	buf_reset(&message);
	buf_addf(&message, "A: %098d\n\n", 1);
	assert_int_equal(run(buf_str(&message), 5), -EMSGSIZE);
	buf_reset(&message);
	buf_addf(&message, "A: %095d\n xx\n\n", 1);
	assert_int_equal(run(buf_str(&message), 5), -EMSGSIZE);
	sift_tables_free(&tables);
}

static void
test_bounds(void **state)
{
	(void)state;
	in_task(sift_bounds);
}

/* A long line is seen in the same pieces, however it comes. */
static void
sift_long_lines(void *arg)
{
	BUF_CLEANUP struct buf message = {0};
	struct remarks said;
	struct conf *c = conf_of("body_checks = pcre:/b\n"
				 "body_checks_size_limit = 0\n"
				 "line_length_limit = 512\n",
	    &said);
	struct buf why;

	(void)arg;
	buf_init(&why, 1000);
	buf_init(&message, 1 << 20);
	fake_init(&env);
	env.files[0] =
	    (struct fake_file){"/b", STR("/^b+$/ STRIP\n/^c+$/ STRIP\n")};
	tables = sift_tables_open(c, &env.env, &why);
	assert_non_null(tables);
	buf_add_str(&message, STR("\n"));
	for (size_t i = 0; i < 3 * 512; i++)
		buf_add_char(&message, "abc"[i / 512]);
	buf_add_str(&message, STR("\nccc\nlast\n"));
	for (size_t cut = 0; cut <= message.len; cut += 7) {
		assert_int_equal(run(buf_str(&message), cut), 0);
		assert_int_equal(out.len, 1 + 512 + 1 + 5);
		assert_true(str_has_suffix(buf_str(&out), STR("a\nlast\n")));
		assert_true(
		    str_has_prefix(buf_str(&told), STR("strip b <bbb")));
		assert_true(str_has_suffix(buf_str(&told), STR("<ccc> <>;")));
	}
	sift_tables_free(&tables);
	conf_free(&c);
	buf_done(&why);
}

static void
test_long_lines(void **state)
{
	(void)state;
	in_task(sift_long_lines);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_long_lines),
};

TAP_RUN(tests)
