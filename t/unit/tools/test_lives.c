/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "lives.h"

#include <stdlib.h>
#include <string.h>

#define AT      "Nov 24 09:00:01 mx postfix/"
#define A       "0A0A0A"
#define B       "0B0B0B"
#define C       "0C0C0C"
#define NL      "\n"
#define END(id) AT "qmgr[1]: " id ": removed" NL

static size_t
read_log(struct lives *l, const char *log)
{
	struct str rest, line;
	size_t passes = 0;

	do {
		lives_begin(l);
		rest = str_c(log);
		while (str_line(&rest, &line))
			lives_line(l, line);
		passes++;
	} while (lives_has_learnt(l));
	return passes;
}

/* What is shown of `log` for the question. */
static void
check(const char *log, const char *id, const char *who, const char *want)
{
	struct lives *l = lives_new(str_c(id), str_c(who));
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_true(read_log(l, log) <= 4);
	lives_print(l, out);
	fclose(out);
	assert_string_equal(text, want);
	assert_false(lives_is_cut(l));
	free(text);
	lives_free(&l);
}

static const char plain[] =
    AT "smtpd[1]: connect from a[192.0.2.1]" NL AT "smtpd[1]: " A
       ": client=a[192.0.2.1]" NL AT "smtpd[2]: " B
       ": client=b[192.0.2.2]" NL AT "cleanup[1]: " A ": message-id=<1@m>" NL AT
       "qmgr[1]: " A ": from=<s@a>, size=9, nrcpt=2 (queue active)" NL AT
       "smtp[1]: " A ": to=<x@y>, relay=none, status=deferred (no)" NL AT
       "smtp[1]: " A ": to=<z@y>, relay=none, status=sent (250 ok)" NL AT
       "smtpd[1]: NOQUEUE: reject: from=<s@a> to=<no@y> helo=<h>" NL AT
       "smtp[1]: " A ": to=<x@y>, relay=none, status=sent (250 ok)" NL END(A);

#define PLAIN_A                                                                \
	A ": from=<s@a>, size=9, nrcpt=2, sent=2, deferred=1, removed" NL      \
	  "  " AT "smtpd[1]: " A ": client=a[192.0.2.1]" NL "  " AT            \
	  "cleanup[1]: " A ": message-id=<1@m>" NL "  " AT "qmgr[1]: " A       \
	  ": from=<s@a>, size=9, nrcpt=2 (queue active)" NL "  " AT            \
	  "smtp[1]: " A ": to=<x@y>, relay=none, status=deferred (no)" NL      \
	  "  " AT "smtp[1]: " A                                                \
	  ": to=<z@y>, relay=none, status=sent (250 ok)" NL "  " AT            \
	  "smtp[1]: " A ": to=<x@y>, relay=none, status=sent (250 ok)" NL      \
	  "  " END(A)

static void
one(void **state)
{
	(void)state;
	check(plain, A, "", PLAIN_A);
	/* Its first lines stand before any that names the recipient. */
	check(plain, "", "z@y", PLAIN_A);
	check(plain, "", "1@m", PLAIN_A);
	check(plain, "", "@y",
	    PLAIN_A NL
	    "NOQUEUE: not taken" NL "  " AT
	    "smtpd[1]: NOQUEUE: reject: from=<s@a> to=<no@y> helo=<h>" NL);
	check(plain, "", "nobody@y", "");
	check(plain, C, "", "");
	check("", A, "", "");
	check("\n\n:\n" AT "\n", A, "", "");
}

/* A child whose lines stand before the one that says whose it is. */
static const char family[] =
    AT "qmgr[1]: " A ": from=<s@a>, size=9, nrcpt=2 (queue active)" NL AT
       "cleanup[1]: " B ": message-id=<2@m>" NL AT "local[1]: " A
       ": to=<x@y>, relay=local, "
       "status=sent (forwarded as " C ")" NL AT "bounce[1]: " A
       ": sender non-delivery notification: " B NL END(A) END(C) AT
    "qmgr[1]: " B ": from=<>, size=5, nrcpt=1 (queue active)" NL END(B);

#define FAMILY                                                                 \
	A ": from=<s@a>, size=9, nrcpt=2, sent=1, removed" NL "  " AT          \
	  "qmgr[1]: " A ": from=<s@a>, size=9, nrcpt=2 (queue active)" NL      \
	  "  " AT "local[1]: " A                                               \
	  ": to=<x@y>, relay=local, status=sent (forwarded as " C ")" NL       \
	  "  " AT "bounce[1]: " A ": sender non-delivery notification: " B NL  \
	  "  " END(A) NL C ": forwarded from " A                               \
			   "; nothing of its start, removed" NL "  " END(C)    \
			       NL B                                            \
	    ": sender non-delivery notification of " A                         \
	    "; from=<>, size=5, nrcpt=1, removed" NL "  " AT "cleanup[1]: " B  \
	    ": message-id=<2@m>" NL "  " AT "qmgr[1]: " B                      \
	    ": from=<>, size=5, nrcpt=1 (queue active)" NL "  " END(B)

static void
children(void **state)
{
	(void)state;
	check(family, A, "", FAMILY);
	check(family, "", "s@a", FAMILY);
}

/* A short id that was given again, and what was queued anew. */
static void
again(void **state)
{
	static const char log[] =
	    AT "smtpd[1]: " A ": client=a[192.0.2.1]" NL AT "qmgr[1]: " A
	       ": from=<s@a>, size=9, nrcpt=1 (queue active)" NL END(A) AT
	    "smtpd[1]: " A ": client=b[192.0.2.2]" NL AT "qmgr[1]: " A
	    ": from=<t@b>, size=7, nrcpt=1 (queue active)" NL AT "pickup[1]: " B
	    ": uid=0 from=<t@b> orig_id=" A NL;

	(void)state;
	check(log, "", "s@a",
	    A ": from=<s@a>, size=9, nrcpt=1, removed" NL "  " AT "smtpd[1]: " A
	      ": client=a[192.0.2.1]" NL "  " AT "qmgr[1]: " A
	      ": from=<s@a>, size=9, nrcpt=1 (queue active)" NL "  " END(A));
	check(log, "", "t@b",
	    A ": from=<t@b>, size=7, nrcpt=1, not removed" NL "  " AT
	      "smtpd[1]: " A ": client=b[192.0.2.2]" NL "  " AT "qmgr[1]: " A
	      ": from=<t@b>, size=7, nrcpt=1 (queue active)" NL NL B
	      ": queued anew from " A "; nothing of its start, not removed" NL
	      "  " AT "pickup[1]: " B ": uid=0 from=<t@b> orig_id=" A NL);
}

/* Ids in a ring, an own child: each is shown once. */
static void
rings(void **state)
{
	static const char log[] =
	    AT "bounce[1]: " A ": sender delay notification: " B NL AT
	       "bounce[1]: " B ": sender delay notification: " A NL AT
	       "bounce[1]: " C ": sender delay notification: " C NL;

	(void)state;
	check(log, A, "",
	    A ": nothing of its start, not removed" NL "  " AT "bounce[1]: " A
	      ": sender delay notification: " B NL NL B
	      ": sender delay notification of " A
	      "; nothing of its start, not removed" NL "  " AT "bounce[1]: " B
	      ": sender delay notification: " A NL);
	check(log, C, "",
	    C ": nothing of its start, not removed" NL "  " AT "bounce[1]: " C
	      ": sender delay notification: " C NL);
}

static void
control(void **state)
{
	(void)state;
	check(AT "smtp[1]: " A ": to=<\x1b[2Jx@y>, status=sent (\x07)", A, "",
	    A ": nothing of its start, sent=1, not removed" NL "  " AT
	      "smtp[1]: " A ": to=<?[2Jx@y>, status=sent (?)" NL);
}

/* More than is kept: said, and what came first is shown. */
static void
bounds(void **state)
{
	struct lives *l = lives_new(STR_NONE, STR("@y"));
	char line[256];

	(void)state;
	lives_begin(l);
	for (unsigned i = 0; i < LIVES_MAX; i++) {
		snprintf(line, sizeof(line), AT "qmgr[1]: %06X: from=<x@y>", i);
		lives_line(l, str_c(line));
	}
	assert_false(lives_is_cut(l));
	lives_line(l, STR(AT "qmgr[1]: FFFFFF: from=<x@y>"));
	assert_true(lives_is_cut(l));
	lives_begin(l);
	lives_line(l, STR(AT "qmgr[1]: FFFFFF: from=<x@y>"));
	assert_false(lives_has_learnt(l));
	lives_free(&l);
	l = lives_new(STR(A), STR_NONE);
	lives_begin(l);
	for (size_t n = 0; n <= LIVES_TEXT_MAX && !lives_is_cut(l); n += 5000) {
		static char text[5000] = AT "qmgr[1]: " A ": ";

		memset(text + strlen(AT "qmgr[1]: " A ": "), 'x',
		    sizeof(text) - strlen(AT "qmgr[1]: " A ": "));
		lives_line(l, str_n(text, sizeof(text)));
	}
	assert_true(lives_is_cut(l));
	lives_free(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one),
    cmocka_unit_test(children),
    cmocka_unit_test(again),
    cmocka_unit_test(rings),
    cmocka_unit_test(control),
    cmocka_unit_test(bounds),
};

TAP_RUN(tests)
