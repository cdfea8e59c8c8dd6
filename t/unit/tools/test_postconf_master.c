/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "master_text.h"
#include "postconf.h"

#define E    MASTER_ENTRIES
#define F    MASTER_FIELD
#define P    MASTER_PARAMETER
#define SMTP "smtp inet n - y - - smtpd\n"
#define SMTP_NEW                                                               \
	"smtp       inet  n       -       y       -       -       smtpd"

static const struct {
	enum master_what what;
	enum edit how;
	const char *text;
	const char *requests[3];
	const char *want; /* NULL: refused */
} cases[] = {
    /* entries */
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n - y - - smtpd -v"},
	SMTP_NEW " -v\n"},
    {E, EDIT_SET, "# c\n" SMTP "# d\n",
	{"smtp/inet = smtp inet n - y - - smtpd -o a=1 -o { b = x y }"},
	"# c\n" SMTP_NEW "\n    -o a=1\n    -o {b=x y}\n# d\n"},
    {E, EDIT_SET, "a unix - - - - - x", {"smtp/inet=smtp inet n - y - - smtpd"},
	"a unix - - - - - x\n" SMTP_NEW "\n"},
    {E, EDIT_SET, "", {"smtp/inet=smtp inet n - y - - smtpd"}, SMTP_NEW "\n"},
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp=smtp inet n - y - - smtpd"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp/inet"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n - y - - smtpd { x"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n - y - - smtpd -o"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n - y - - smtpd -o x"}, NULL},
    {E, EDIT_SET, SMTP, {"smtp/inet=smtp inet n - y\n- - smtpd"}, NULL},
    {E, EDIT_DELETE, "# a\n" SMTP " -v\n# b\n -o x=y\n# c\n", {"smtp/inet"},
	"# a\n# b\n# c\n"},
    {E, EDIT_DELETE, SMTP "a unix - - - - - x\n", {"*/unix"}, SMTP},
    {E, EDIT_DELETE, SMTP, {"x/inet"}, SMTP},
    {E, EDIT_DELETE, SMTP, {"smtp"}, NULL},
    {E, EDIT_DELETE, SMTP, {"smtp/"}, NULL},
    {E, EDIT_DELETE, SMTP, {"smtp/inet=x"}, NULL},
    {E, EDIT_COMMENT, SMTP " -v\n# b\n\n -o x=y\na unix - - - - - x\n",
	{"smtp/inet"}, "#" SMTP "# -v\n# b\n\n# -o x=y\na unix - - - - - x\n"},
    /* fields */
    {F, EDIT_SET, SMTP, {"smtp/inet/chroot=y"}, SMTP_NEW "\n"},
    {F, EDIT_SET, SMTP " -o a=b\n", {"smtp/inet/command=smtpd -v"},
	SMTP_NEW " -v\n"},
    {F, EDIT_SET, SMTP, {"smtp/inet/nosuch=y"}, NULL},
    {F, EDIT_SET, SMTP, {"smtp/inet/*=y"}, NULL},
    {F, EDIT_SET, SMTP, {"smtp/inet/chroot="}, NULL},
    {F, EDIT_SET, SMTP, {"smtp/inet/chroot=a b"}, NULL},
    {F, EDIT_SET, SMTP, {"smtp/inet/command="}, NULL},
    {F, EDIT_SET, SMTP, {"x/inet/chroot=n"}, SMTP},
    /* parameters */
    {P, EDIT_SET, SMTP " -o a=1 x -o a=2\n",
	{"smtp/inet/a=3", "smtp/inet/b = 4 5"},
	SMTP_NEW "\n    -o a=3\n    -o {b=4 5}\n    x -o a=2\n"},
    {P, EDIT_SET, SMTP " -o a=1 -o b=2 -o a=3\n", {"smtp/inet/a=4"},
	SMTP_NEW "\n    -o a=4\n    -o b=2\n    -o a=4\n"},
    {P, EDIT_SET, SMTP, {"*/*/a="}, SMTP_NEW "\n    -o a=\n"},
    {P, EDIT_DELETE, SMTP " -v\n# c\n -o a=1\n -o b=2\n", {"smtp/inet/a"},
	"# c\n" SMTP_NEW " -v\n    -o b=2\n"},
    {P, EDIT_DELETE, SMTP, {"smtp/inet/a"}, SMTP},
    {P, EDIT_DELETE, SMTP, {"smtp/inet"}, NULL},
    {P, EDIT_SET, SMTP, {"smtp/inet=a"}, NULL},
    /* what is no master.cf */
    {P, EDIT_SET, "smtp inet n\n", {"smtp/inet/a=1"}, NULL},
    {P, EDIT_SET, SMTP " -o { a = b\n", {"smtp/inet/a=1"}, NULL},
    {P, EDIT_SET, " -o a=b\n", {"x/inet/a=1"}, " -o a=b\n"},
};

static void
test_edit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str text = guard_copy(str_c(cases[i].text));
		char *requests[3];
		size_t n = 0;
		struct buf out, why;
		int r;

		for (; n < 3 && cases[i].requests[n] != NULL; n++)
			requests[n] = strdup(cases[i].requests[n]);
		buf_init(&out, 4096);
		buf_init(&why, 4096);
		r = postconf_edit_master(
		    cases[i].what, cases[i].how, text, requests, n, &out, &why);
		if (cases[i].want == NULL) {
			assert_int_not_equal(r, 0);
			assert_true(why.len > 0);
		} else {
			assert_string_equal(why.p, "");
			assert_int_equal(r, 0);
			assert_string_equal(out.p, cases[i].want);
		}
		buf_done(&out);
		buf_done(&why);
		while (n > 0)
			free(requests[--n]);
		guard_free(text);
	}
}

/* A text that nothing was changed in is the same text. */
static void
test_unchanged(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "# only\n# comments",
	    SMTP "\n  # c\r\n  -o a=b  \n\n" SMTP "-",
	    "a unix - - - - - x { y  z } -o { b = c }\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str text = guard_copy(str_c(texts[i]));
		struct master_text m;
		struct buf out, why;
		bool ok;

		buf_init(&out, 4096);
		buf_init(&why, 4096);
		ok = master_text_parse(&m, text, &why);
		assert_int_equal(ok, i != 3);
		if (ok)
			master_text_write(&m, &out);
		assert_string_equal(out.p, ok ? texts[i] : "");
		master_text_done(&m);
		buf_done(&out);
		buf_done(&why);
		guard_free(text);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_edit),
    cmocka_unit_test(test_unchanged),
};
TAP_RUN(tests)
