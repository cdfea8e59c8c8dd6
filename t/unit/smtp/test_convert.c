/* SPDX-License-Identifier: ISC */
/*
 * Messages for a server that takes 7 bits: what goes out, up to the dot; cut
 * at every place, each block at a guard page.  A table of what is well formed,
 * and one of what is not.
 */
#include "guard.h"
#include "tap.h"
#include "wire.h"

#include "convert.h"

#include <string.h>

#define MIME  "MIME-Version: 1.0\n"
#define TEXT  "Content-Type: text/plain; charset=utf-8\n"
#define BIT8  "Content-Transfer-Encoding: 8bit\n"
#define BIT7  "Content-Transfer-Encoding: 7bit\n"
#define QP    "Content-Transfer-Encoding: quoted-printable\n"
#define B64   "Content-Transfer-Encoding: base64\n"
#define MULTI "Content-Type: multipart/mixed; boundary=b\n"
#define UE    "\xc3\xbc"
#define TEN   "0123456789"

struct row {
	const char *content, *wire; /* wire NULL: goes out as it came */
};

static const struct row good[] = {
    {MIME TEXT BIT8 "\nplain text\n", NULL},
    {MIME TEXT BIT8 "\nein sch" UE "ner Tag\n",
	MIME TEXT QP "\nein sch=C3=BCner Tag\n"},
    {MIME BIT8 "Subject: " UE "\n" TEXT "\nthis is how it is said " UE " = x\n",
	MIME QP "Subject: " UE "\n" TEXT
		"\nthis is how it is said =C3=BC =3D x\n"},
    {MIME "content-transfer-encoding:\n\t8BIT\nA: b\n\nviel text " UE "\n",
	MIME QP "A: b\n\nviel text =C3=BC\n"},
    /* blanks at the end of a line, a CR, dots, no end */
    {MIME BIT8 "\n" UE " and more \n\t\nend\t \n.\n",
	MIME QP "\n=C3=BC and more=20\n=09\nend\t=20\n.\n"},
    {MIME BIT8 "\n" UE " cr\rcr and more text",
	MIME QP "\n=C3=BC cr=0Dcr and more text"},
    {MIME BIT8 "\n" UE " and more text\n-- \nme\n",
	MIME QP "\n=C3=BC and more text\n=2D-=20\nme\n"},
    /* lines are cut at 76 columns, and a dash is not the first after it */
    {MIME BIT8 "\n" TEN TEN TEN TEN TEN TEN TEN "01234-5" UE "\n",
	MIME QP "\n" TEN TEN TEN TEN TEN TEN TEN "01234=\n=2D5=C3=BC\n"},
    {MIME BIT8 "\n" TEN TEN TEN TEN TEN TEN TEN "012" UE TEN "\n",
	MIME QP "\n" TEN TEN TEN TEN TEN TEN TEN "012=\n=C3=BC" TEN "\n"},
    {MIME BIT8 "\n" TEN TEN TEN TEN TEN TEN TEN "0123 \n" UE "\n",
	MIME QP "\n" TEN TEN TEN TEN TEN TEN TEN "0123=\n=20\n=C3=BC\n"},
    /* no word of MIME */
    {"A: b\n\nein sch" UE "ner Tag\n",
	"A: b\n" MIME "Content-Type: text/plain; charset=unknown-8bit\n" QP
	"\nein sch=C3=BCner Tag\n"},
    {TEXT "\nein sch" UE "ner Tag\n", TEXT MIME QP "\nein sch=C3=BCner Tag\n"},
    {MIME TEXT BIT7 "\nein sch" UE "ner Tag\n",
	MIME TEXT QP "\nein sch=C3=BCner Tag\n"},
    /* base64 where it is shorter: CR LF for each line */
    {MIME TEXT BIT8 "\n" UE UE "\n", MIME TEXT B64 "\nw7zDvA0K\n"},
    {MIME TEXT BIT8 "\n" UE UE, MIME TEXT B64 "\nw7zDvA==\n"},
    {MIME TEXT BIT8 "\n" UE UE UE "\n" UE UE UE UE "\n",
	MIME TEXT B64 "\nw7zDvMO8DQrDvMO8w7zDvA0K\n"},
    /* parts */
    {MIME MULTI BIT8 "\n--b\n" TEXT BIT8 "\nein sch" UE "ner Tag\n--b\n" TEXT
		     "\nplain\n--b--\n",
	MIME MULTI BIT7 "\n--b\n" TEXT QP "\nein sch=C3=BCner Tag\n--b\n" TEXT
			"\nplain\n--b--\n"},
    {MIME MULTI "\n--b\n" TEXT BIT8 "\n" UE UE "\n--b\n" TEXT BIT8 "\n" UE UE
		"\n\n--b--\nafter\n",
	MIME MULTI "\n--b\n" TEXT B64 "\nw7zDvA==\n--b\n" TEXT B64
		   "\nw7zDvA0K\n--b--\nafter\n"},
    {MIME MULTI BIT8 "\n--b\n\nein sch" UE "ner Tag\n--b\n" B64
		     "\nw7zDvA==\n--b\n" BIT8 "\nascii\n--b--\n",
	MIME MULTI BIT7 "\n--b\n" QP "\nein sch=C3=BCner Tag\n--b\n" B64
			"\nw7zDvA==\n--b\n" BIT7 "\nascii\n--b--\n"},
    {MIME MULTI BIT8 "\n--b\nContent-Type: message/rfc822\n" BIT8
		     "\n" MIME TEXT BIT8 "\nein sch" UE
		     "ner Tag\n--b\nContent-Type: message/rfc822\n\nA: "
		     "b\n\nein sch" UE "ner Tag\n--b--\n",
	MIME MULTI BIT7
	"\n--b\nContent-Type: message/rfc822\n" BIT7 "\n" MIME TEXT QP
	"\nein sch=C3=BCner Tag\n--b\nContent-Type: message/rfc822\n\nA: "
	"b\n" MIME "Content-Type: text/plain; charset=unknown-8bit\n" QP
	"\nein sch=C3=BCner Tag\n--b--\n"},
};

static const struct row bad[] = {
    {"", NULL},
    {UE "\n", "MIME-Version: 1.0\nContent-Type: text/plain; "
	      "charset=unknown-8bit\n" B64 "\nw7wNCg==\n"},
    /* a part that has no header, or one that does not end */
    {MIME MULTI "\n--b\nein sch" UE "ner Tag\n--b--\n",
	MIME MULTI "\n--b\n" QP "\nein sch=C3=BCner Tag\n--b--\n"},
    {MIME MULTI "\n--b\n" BIT8 "ein sch" UE "ner Tag\n--b--\n",
	MIME MULTI "\n--b\n" QP "\nein sch=C3=BCner Tag\n--b--\n"},
    {MIME MULTI "\n--b\n" BIT8 "--b\n\tfold\n\nein sch" UE "ner Tag\n",
	MIME MULTI "\n--b\n" BIT8 "--b\n\tfold\n" QP
		   "\nein sch=C3=BCner Tag\n"},
    /* two labels: the first counts, one is written */
    {MIME BIT8 QP "\nein sch" UE "ner Tag\n",
	MIME QP "\nein sch=C3=BCner Tag\n"},
    /* encoded, or so it says; of no encoding that there is */
    {MIME QP "\nein sch" UE "ner Tag\n", NULL},
    {MIME "Content-Transfer-Encoding: x-uue\n\nein sch" UE "ner Tag\n", NULL},
    /* what cannot be taken apart */
    {MIME "Content-Type: multipart/mixed\n" BIT8 "\n--b\n\n" UE "\n", NULL},
    {MIME "Content-Type: message/partial\n" BIT8 "\n" UE "\n", NULL},
    {MIME "Content-Type: message/rfc822\nx\n" UE "\n", NULL},
    /* 8 bits where nobody looks */
    {MIME MULTI "Subject: " UE "\n\n" UE "\n--b\n\nx\n--b--\n" UE "\n", NULL},
    /* binary that is none */
    {MIME "Content-Transfer-Encoding: binary\n\nx\n--b\n\nein sch" UE
	  "ner Tag\n",
	MIME QP "\nx\n=2D-b\n\nein sch=C3=BCner Tag\n"},
};

static void
give(struct str s, void (*fn)(void *, struct str), void *arg)
{
	struct str copy = guard_copy(s);

	fn(arg, copy);
	guard_free(copy);
}

static void
survey(void *arg, struct str s)
{
	convert_survey(arg, s);
}

static void
write_out(void *arg, struct str s)
{
	assert_int_equal(convert_write(arg, s), 0);
}

/* False: nothing is to be converted. */
static bool
convert_in_two(struct str content, size_t cut, struct buf *wire)
{
	struct convert *c = convert_new();
	struct body body;

	give(str_sub(content, 0, cut), survey, c);
	give(str_from(content, cut), survey, c);
	convert_surveyed(c);
	bool needed = convert_is_needed(c);
	if (needed) {
		buf_reset(&wire_out.out);
		body_init(&body, &wire_out, 0);
		convert_begin(c, &body);
		give(str_sub(content, 0, cut), write_out, c);
		give(str_from(content, cut), write_out, c);
		assert_int_equal(convert_end(c), 0);
		wire_unstuff(buf_str(&wire_out.out), wire);
	}
	convert_free(&c);
	return needed;
}

static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str content = str_c(rows[i].content);
		for (size_t cut = 0; cut <= content.len; cut++) {
			BUF_CLEANUP struct buf wire = {0};

			buf_init(&wire, 1 << 20);
			bool needed = convert_in_two(content, cut, &wire);
			assert_int_equal(needed, rows[i].wire != NULL);
			if (needed && strcmp(wire.p, rows[i].wire) != 0)
				fail_msg(
				    "row %zu, cut at %zu:\n%s", i, cut, wire.p);
			/* What was converted need not be again. */
			if (needed && cut == 0)
				assert_false(convert_in_two(
				    buf_str(&wire), 0, &(struct buf){0}));
		}
	}
}

static void
test_good(void **state)
{
	(void)state;
	check_rows(good, sizeof(good) / sizeof(good[0]));
}

static void
test_bad(void **state)
{
	(void)state;
	check_rows(bad, sizeof(bad) / sizeof(bad[0]));
}

/* NUL and long lines in what says that it is more than 7 bits. */
static void
test_binary(void **state)
{
	BUF_CLEANUP struct buf text = {0}, wire = {0};

	(void)state;
	buf_init(&text, 1 << 16);
	buf_init(&wire, 1 << 16);
	buf_add(&text, MIME BIT8 "\nab\0cdefghijk\n",
	    sizeof(MIME BIT8 "\nab\0cdefghijk\n") - 1);
	assert_true(convert_in_two(buf_str(&text), 5, &wire));
	assert_string_equal(wire.p, MIME QP "\nab=00cdefghijk\n");
	buf_reset(&text);
	buf_add_c(&text, MIME BIT8 "\n");
	for (int i = 0; i < 999; i++)
		buf_add_char(&text, 'x');
	assert_true(convert_in_two(buf_str(&text), 5, &wire));
	buf_cut(&text, text.len - 1);
	assert_false(convert_in_two(buf_str(&text), 5, &wire));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_bad),
    cmocka_unit_test(test_binary),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, wire_begin, wire_end);
}
