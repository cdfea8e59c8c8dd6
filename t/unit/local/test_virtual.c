/* SPDX-License-Identifier: ISC */
#include "fake.h"

#define MAIN_CF                                                                \
	"myhostname = mx.here.test\n"                                          \
	"mydestination = here.test\n"                                          \
	"recipient_delimiter = +\n"                                            \
	"alias_maps =\n"                                                       \
	"virtual_mailbox_domains = v.test\n"                                   \
	"virtual_mailbox_maps = inline:{ a@v.test=v.test/a/,"                  \
	" b@v.test=v.test/b, up@v.test=../x, mid@v.test=v/../../x/,"           \
	" {abs@v.test=/v.test/abs/}, low@v.test=low,"                          \
	" word@v.test=word }, regexp:/re, inline:{@c.test=c.test/all/}\n"      \
	"virtual_uid_maps = inline:{low@v.test=99,"                            \
	" word@v.test=five, @v.test=5000, @c.test=5001, @r.test=5002}\n"       \
	"virtual_gid_maps = static:5000\n"

static struct fake_host host = {
    .env.files = {{"/re", STR("/^(.*)@r\\.test$/ r.test/$1/\n"
			      "/^later@/ x\n")}}};

static void
test_deliver(void **state)
{
	static const struct {
		const char *rcpt, *expected;
	} rows[] = {
	    {"a@v.test", "maildir 5000:5000 [/vmail] v.test/a/ to a@v.test"},
	    {"A@V.test", "maildir 5000:5000 [/vmail] v.test/a/ to A@V.test"},
	    {"b@v.test", "mbox 5000:5000 [/vmail] v.test/b to b@v.test"},
	    {"a+x@v.test",
		"maildir 5000:5000 [/vmail] v.test/a/ to a+x@v.test"},
	    {"any@c.test",
		"maildir 5001:5000 [/vmail] c.test/all/ to any@c.test"},
	    {"abs@v.test",
		"maildir 5000:5000 [/vmail] v.test/abs/ to abs@v.test"},
	    {"joe@r.test",
		"maildir 5002:5000 [/vmail] r.test/joe/ to joe@r.test"},
	    {"nix@v.test", "bounced 5.1.1 unknown user: \"nix@v.test\""},
	    {"up@v.test", "bounced 5.1.3 bad mailbox name for \"up@v.test\""},
	    {"mid@v.test", "bounced 5.1.3 bad mailbox name for \"mid@v.test\""},
	    {"../../etc@r.test",
		"bounced 5.1.3 bad mailbox name for \"../../etc@r.test\""},
	    {"..@r.test", "bounced 5.1.3 bad mailbox name for \"..@r.test\""},
	    {"low@v.test", "deferred 4.3.5 bad value \"99\" for low@v.test in "
			   "virtual_uid_maps"},
	    {"word@v.test", "deferred 4.3.5 bad value \"five\" for "
			    "word@v.test in virtual_uid_maps"},
	    {"", "bounced 5.1.3 bad address syntax"},
	};

	(void)state;
	fake_open_host(&host, MAIN_CF "virtual_mailbox_base = /vmail/\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fake_check(&host, "virtual", rows[i].rcpt, rows[i].expected);
	fake_close_host(&host);
}

static void
test_no_base(void **state)
{
	(void)state;
	fake_open_host(&host, MAIN_CF);
	fake_check(&host, "virtual", "abs@v.test",
	    "maildir 5000:5000 [/v.test] /v.test/abs/ to abs@v.test");
	fake_check(&host, "virtual", "b@v.test",
	    "deferred 4.3.5 virtual_mailbox_base is empty, and the mailbox of "
	    "\"b@v.test\" not absolute");
	fake_close_host(&host);
}

static void
test_could_not_ask(void **state)
{
	(void)state;
	fake_open_host(&host, MAIN_CF "virtual_mailbox_maps = fail:x\n"
				      "virtual_mailbox_base = /vmail\n");
	fake_check(&host, "virtual", "a@v.test",
	    "deferred 4.3.0 virtual_mailbox_maps lookup failure");
	fake_close_host(&host);
	fake_open_host(&host, MAIN_CF "virtual_uid_maps = fail:x\n"
				      "virtual_mailbox_base = /vmail\n");
	fake_check(&host, "virtual", "a@v.test",
	    "deferred 4.3.0 virtual_uid_maps lookup failure");
	fake_close_host(&host);
	fake_open_host(&host,
	    MAIN_CF "virtual_gid_maps =\nvirtual_mailbox_base = /vmail\n");
	fake_check(&host, "virtual", "a@v.test",
	    "deferred 4.3.5 a@v.test not found in virtual_gid_maps");
	fake_close_host(&host);
}

static void
test_loop(void **state)
{
	struct loop_mark marks[] = {{STR("x@v.test")}, {STR("A@v.test")}};
	const struct expand_ask ask = {
	    .transport = STR("virtual"),
	    .recipient = {.address = STR("a@V.test")},
	    .loops = {marks, 2},
	};
	BUF_CLEANUP struct buf got = {0};

	(void)state;
	fake_open_host(&host, MAIN_CF "virtual_mailbox_base = /vmail\n");
	fake_ask(&host, &ask, &got);
	assert_string_equal(
	    got.p, "bounced 5.4.6 mail forwarding loop for a@V.test");
	fake_close_host(&host);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_deliver),
    cmocka_unit_test(test_no_base),
    cmocka_unit_test(test_could_not_ask),
    cmocka_unit_test(test_loop),
};

TAP_RUN(tests)
