/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as bounce_template_file: what is taken of it is clean, and what
 * is not leaves the built-in texts.
 */
#include "template.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
remark(void *arg, const struct conf_remark *r)
{
	(void)arg;
	(void)r;
}

static void
note(void *arg, unsigned line, const char *why)
{
	(void)arg;
	(void)line;
	assert(why[0] != '\0');
}

static void
check_field(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		assert(s.p[i] >= ' ' && s.p[i] < 0x7f);
}

static void
check_template(const struct template *t)
{
	check_field(t->charset);
	check_field(t->from);
	check_field(t->subject);
	check_field(t->postmaster_subject);
	assert(t->charset.len > 0 && t->from.len > 0 && t->subject.len > 0);
	assert(t->text.len <= TEMPLATE_TEXT_MAX);
	for (size_t i = 0; i < t->text.len; i++) {
		unsigned char c = (unsigned char)t->text.p[i];
		assert((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *conf;
	ARENA_CLEANUP struct arena a = {0};
	struct templates t;

	if (conf == NULL)
		conf = conf_from_text("/nonexistent",
		    STR("myhostname = mail.example.com\n"), STR_NONE, remark,
		    NULL);
	assert(conf != NULL);
	arena_init(&a, 4 * 1024 * 1024);
	templates_init(&t, conf, &a);
	templates_read(
	    &t, str_n((const char *)data, size), conf, &a, note, NULL);
	for (size_t i = 0; i < TEMPLATES; i++)
		check_template(&t.of[i]);
	return 0;
}
