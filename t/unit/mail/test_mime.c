/* SPDX-License-Identifier: ISC */
/*
 * Messages and what each of their lines is: a letter a line (h header, e its
 * end, b body, d delimiter, a around) with the part's number; cut at every
 * place, each block at a guard page.
 */
#include "guard.h"
#include "tap.h"

#include "mail/mime.h"

#include <stdio.h>
#include <stdlib.h>

#define MULTI  "Content-Type: multipart/mixed; boundary=b\n\n"
#define RFC822 "Content-Type: message/rfc822\n\n"

static const struct {
	const char *message, *map;
} rows[] = {
    {"", ""},
    {"\n", "e0"},
    {"\nx\n", "e0 b0"},
    {"A: b\n\nx", "h0 e0 b0"},
    {"A: b\n folded\n\nx\n\ny\n", "h0 h0 e0 b0 b0 b0"},
    {"A: b\nno field\nx\n", "h0 b0 b0"},
    {"no field\n", "b0"},
    {" folded\n\nx\n", "h0 e0 b0"},
    {"--b\n", "b0"},

    {MULTI "pre\n--b\nA: b\n\nx\n--b\n\ny\n--b--\nafter\n",
	"h0 e0 a0 d1 h1 e1 b1 d2 e2 b2 d2 a2"},
    {MULTI "--b \t\n\nx\n--b-- \n", "h0 e0 d1 e1 b1 d1"},
    {MULTI "--b\n\n--bb\n--b-\n--b--x\n -\n--b--",
	"h0 e0 d1 e1 b1 b1 b1 b1 d1"},
    {MULTI "--b\n--b\n--b--\n--b\n", "h0 e0 d1 d2 d2 a2"},
    {MULTI "--b\nA: b\n--b--\n", "h0 e0 d1 h1 d1"},
    {MULTI "--b\ntext\n--b--\n", "h0 e0 d1 b1 d1"},
    {"Content-Type: multipart/mixed; boundary=b\n--b\n\nx\n", "h0 d1 e1 b1"},
    {"Content-Type: multipart/mixed; boundary=b\nx\n--b\n\nx\n",
	"h0 a0 d1 e1 b1"},
    {"Content-Type: multipart/mixed;\n boundary=\"b\"\n\n--b\n\nx\n",
	"h0 h0 e0 d1 e1 b1"},
    {"Content-Type: multipart/mixed\n\n--b\n\nx\n", "h0 e0 b0 b0 b0"},
    {"Content-Type: text/plain\n" MULTI "--b\n\nx\n", "h0 h0 e0 b0 b0 b0"},

    /* one in another; the inner one is not closed */
    {MULTI "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
	   "--c\n\nx\n--c--\nz\n--b\n\ny\n--b--\n",
	"h0 e0 d1 h1 e1 d2 e2 b2 d2 a2 d3 e3 b3 d3"},
    {MULTI "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
	   "--c\n\nx\n--b\n\ny\n--c\n",
	"h0 e0 d1 h1 e1 d2 e2 b2 d3 e3 b3 b3"},
    /* the inner boundary goes on where the outer one ends, and the other way
     * round */
    {MULTI "--b\nContent-Type: multipart/alternative; boundary=bb\n\n"
	   "--bb\n\nx\n--bb--\n--b--\n",
	"h0 e0 d1 h1 e1 d2 e2 b2 d2 d2"},

    {RFC822 "A: b\n\nx\n", "h0 e0 h1 e1 b1"},
    {RFC822 "", "h0 e0"},
    {RFC822 "\nx\n", "h0 e0 e1 b1"},
    {RFC822 "x\n", "h0 e0 b1"},
    {RFC822 RFC822 RFC822 "\nx\n", "h0 e0 h1 e1 h2 e2 e3 b3"},
    {"Content-Type: message/rfc822\nx\n\nx\n", "h0 b0 b0 b0"},
    {MULTI "--b\n" RFC822 "--b\n" RFC822 "A: b\n\nx\n--b--\n",
	"h0 e0 d1 h1 e1 d3 h3 e3 h4 e4 b4 d4"},
    {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nx\n--b\n"
     "Content-Type: text/plain\n\nx\n--b--\n",
	"h0 e0 d1 e1 h2 e2 b2 d3 h3 e3 b3 d3"},
    {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nA: "
     "b\n\n",
	"h0 h0 e0 b0 b0"},
};

static char map[4096];

static int
note(void *arg, const struct mime_piece *p)
{
	static const char letters[] = "hebda";
	struct buf *all = arg;

	buf_add_str(all, p->bytes);
	if (p->has_lf)
		buf_add_char(all, '\n');
	if (p->is_first) {
		size_t n = strlen(map);
		snprintf(map + n, sizeof(map) - n, "%s%c%zu", n > 0 ? " " : "",
		    letters[p->place], p->part->number);
	}
	return 0;
}

static void
read_guarded(struct mime *m, struct str s)
{
	struct str copy = guard_copy(s);

	assert_int_equal(mime_read(m, copy), 0);
	guard_free(copy);
}

static void
test_maps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str message = str_c(rows[i].message);
		for (size_t cut = 0; cut <= message.len; cut++) {
			BUF_CLEANUP struct buf all = {0};
			struct mime m;

			buf_init(&all, 1 << 20);
			map[0] = '\0';
			mime_init(&m, note, &all);
			read_guarded(&m, str_sub(message, 0, cut));
			read_guarded(&m, str_from(message, cut));
			mime_end(&m);
			mime_done(&m);
			if (strcmp(map, rows[i].map) != 0)
				fail_msg(
				    "row %zu, cut at %zu: %s", i, cut, map);
			assert_true(str_eq(buf_str(&all), message));
		}
	}
}

/* Too deep, too long, too much: nothing but what the bounds allow is kept. */
static void
test_bounds(void **state)
{
	BUF_CLEANUP struct buf text = {0}, all = {0};
	struct mime m;

	(void)state;
	buf_init(&text, 4 << 20);
	buf_init(&all, 4 << 20);
	for (unsigned i = 0; i < 2 * MIME_DEPTH_MAX; i++)
		buf_addf(&text,
		    "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i,
		    i);
	buf_add_c(&text, "Content-Type: multipart/mixed; boundary=");
	for (unsigned i = 0; i < 100000; i++)
		buf_add_char(&text, 'x');
	buf_add_c(&text, "\n\nbody\n");
	mime_init(&m, note, &all);
	for (size_t at = 0; at < text.len; at += 4095)
		mime_read(&m, str_sub(buf_str(&text), at, 4095));
	mime_end(&m);
	assert_int_equal(m.depth, MIME_DEPTH_MAX);
	assert_int_equal(m.part.number, MIME_DEPTH_MAX);
	assert_int_equal(m.part.kind, MIME_OPAQUE);
	assert_true(str_eq(buf_str(&all), buf_str(&text)));
	mime_done(&m);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_maps),
    cmocka_unit_test(test_bounds),
};

TAP_RUN(tests)
