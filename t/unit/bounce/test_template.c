/* SPDX-License-Identifier: ISC */
/* Templates: the built-in ones, a site's own, and files that are none. */
#include "conf_help.h"
#include "guard.h"
#include "tap.h"

#include "template.h"

#include <string.h>

static struct conf *conf;
static unsigned said_line;
static const char *said;

static int
set_up(void **state)
{
	struct remarks remarks;

	(void)state;
	conf = conf_of("delay_warning_time = 4h\n"
		       "maximal_queue_lifetime = 5d\n"
		       "mail_name = Post\n",
	    &remarks);
	return conf == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	conf_free(&conf);
	return 0;
}

static void
note(void *arg, unsigned line, const char *why)
{
	(void)arg;
	said_line = line;
	said = why;
}

static void
read_file(const char *text, struct templates *t, struct arena *a)
{
	struct str in = guard_copy(str_c(text));

	said = NULL;
	said_line = 0;
	arena_init(a, 4 * 1024 * 1024);
	templates_init(t, conf, a);
	templates_read(t, in, conf, a, note, NULL);
	guard_free(in);
}

static void
test_builtin(void **state)
{
	struct templates t;
	struct arena a;

	(void)state;
	read_file("", &t, &a);
	assert_null(said);
	for (size_t i = 0; i < TEMPLATES; i++) {
		assert_str(t.of[i].charset, "us-ascii");
		assert_str(
		    t.of[i].from, "MAILER-DAEMON (Mail Delivery System)");
		assert_true(str_find_str(t.of[i].text,
				STR("at host mail.example.com.\n")) > 0);
		assert_false(str_has_char(t.of[i].text, '$'));
	}
	assert_str(t.of[BOUNCE_FAILURE].subject,
	    "Undelivered Mail Returned to Sender");
	assert_true(
	    str_find_str(t.of[BOUNCE_DELAY].text, STR("\n4 hour(s)")) > 0);
	assert_true(str_find_str(t.of[BOUNCE_DELAY].text, STR("5 day(s)")) > 0);
	arena_done(&a);
}

static void
test_own(void **state)
{
	struct templates t;
	struct arena a;

	(void)state;
	read_file("# ours\n\n"
		  "failure_template = <<END\r\n"
		  "charset: utf-8\n"
		  "SUBJECT: Gone: ${not a parameter}\n"
		  "\n"
		  " \\Gr\xc3\xbc\xc3\x9f"
		  "e von $mail_name, ${mail_name}, "
		  "$(mail_name): $$5\n"
		  "EOF\n"
		  "# text too\n"
		  "END\n"
		  "verify_template=<<EOF\n\nx\nEOF\n"
		  "delay_template = << EOF\n\n"
		  "$delay_warning_time_seconds $delay_warning_time_minutes "
		  "$maximal_queue_lifetime_weeks $bounce_queue_lifetime_days\n"
		  "EOF\n",
	    &t, &a);
	assert_null(said);
	assert_str(t.of[BOUNCE_FAILURE].charset, "utf-8");
	assert_str(t.of[BOUNCE_FAILURE].subject, "Gone: ${not a parameter}");
	assert_str(
	    t.of[BOUNCE_FAILURE].from, "MAILER-DAEMON (Mail Delivery System)");
	assert_str(t.of[BOUNCE_FAILURE].text,
	    " \\Gr\xc3\xbc\xc3\x9f"
	    "e von Post, Post, Post: $5\nEOF\n"
	    "# text too\n");
	assert_str(t.of[BOUNCE_DELAY].text, "14400 240 0 5\n");
	assert_str(
	    t.of[BOUNCE_SUCCESS].subject, "Successful Mail Delivery Report");
	arena_done(&a);
}

static const struct {
	const char *text;
	unsigned line;
} bad[] = {
    {"failure_template = <<EOF\n\nx\n", 1},
    {"failure_template = <<EOF\n\nx\n EOF\n", 1},
    {"failure_template = <<\n\nx\n", 3},
    {"\nfailure_template\n", 2},
    {"failure_template = EOF\n", 1},
    {"other_template = <<EOF\n\nx\nEOF\n", 1},
    {" = <<EOF\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nSubject: x\nEOF\n", 1},
    {"failure_template = <<EOF\nSubject: x\n y\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nSubject:\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nSubject: \xc3\xbc\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nSubject: a\rb\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nReply-To: x\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nCharset: a b\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\nCharset: \"x\"\n\nx\nEOF\n", 1},
    {"failure_template = <<EOF\n\n\xc3\xbc\nEOF\n", 1},
    {"failure_template = <<EOF\n\na\x01"
     "b\nEOF\n",
	1},
    {"failure_template = <<EOF\n\n$\nEOF\n", 1},
    {"failure_template = <<EOF\n\n$(mail_name\nEOF\n", 1},
    {"failure_template = <<EOF\n\n${mail_name)\nEOF\n", 1},
    {"failure_template = <<EOF\n\n$delay_warning_time_years\nEOF\n", 1},
    {"failure_template = <<EOF\n\n$no_such_thing\nEOF\n", 1},
};

static void
test_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct templates t;
		struct arena a;

		read_file(bad[i].text, &t, &a);
		assert_non_null(said);
		if (i != 2)
			assert_int_equal(said_line, bad[i].line);
		/* The built-in one stays. */
		assert_str(t.of[BOUNCE_FAILURE].subject,
		    "Undelivered Mail Returned to Sender");
		assert_true(str_has_prefix(
		    t.of[BOUNCE_FAILURE].text, STR("This is the mail system")));
		arena_done(&a);
	}
}

/* However many templates a file has, they find an end. */
static void
test_many(void **state)
{
	struct templates t;
	struct buf file;
	struct arena a;

	(void)state;
	buf_init(&file, 2 * TEMPLATE_FILE_MAX);
	while (file.len < TEMPLATE_FILE_MAX - 100)
		buf_add_c(&file, "failure_template = <<EOF\n\n"
				 "$proxy_read_maps\nEOF\n");
	read_file(file.p, &t, &a);
	assert_non_null(said);
	arena_done(&a);
	while (file.len <= TEMPLATE_FILE_MAX)
		buf_add_c(&file, "#\n");
	read_file(file.p, &t, &a);
	assert_string_equal(said, "the file is too large");
	arena_done(&a);
	buf_done(&file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_builtin, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_own, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
};
TAP_RUN(tests)
