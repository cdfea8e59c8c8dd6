/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a message, through tables that drop, replace and put in front:
 * what comes out of the header is fields, and its end is told once.
 */
#include "mail/sift.h"

#include "mail/header.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	bool has_ended;
	size_t bytes;
};

static void
take_field(void *arg, struct str field)
{
	struct seen *seen = arg;
	struct str line;

	assert(!seen->has_ended);
	seen->bytes += field.len + 1;
	for (size_t i = 0; str_line(&field, &line); i++) {
		struct header h;
		/* The message's first line may go on with nothing. */
		assert(header_is_folded(line) || header_parse_line(line, &h));
	}
}

static void
end_header(void *arg, bool is_line)
{
	struct seen *seen = arg;

	assert(!seen->has_ended);
	seen->bytes += is_line;
	seen->has_ended = true;
}

static void
put(void *arg, struct str bytes)
{
	struct seen *seen = arg;

	assert(seen->has_ended);
	seen->bytes += bytes.len;
}

static void
act(void *arg, const struct checks_action *what, bool is_header,
    struct str found)
{
	(void)arg;
	(void)found;
	assert(checks_word(what->verb) != NULL);
	assert(is_header || !str_has_char(what->text, '\n'));
}

static void
wrong(void *arg, const char *table, struct str answer, const char *why)
{
	(void)arg;
	(void)table;
	assert(answer.len > 0 && why != NULL);
}

static int
open_none(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return -ENOENT;
}

static struct sift_tables *
open_tables(void)
{
	static const char main_cf[] =
	    "header_size_limit = 200\nline_length_limit = 512\n"
	    "body_checks_size_limit = 100\n"
	    "header_checks = pcre:{{/^a(.*)/ REPLACE B$$1}, {/^c/ IGNORE},"
	    "{/^d(.*)/ PREPEND E: $$1}, {/^f/ PASS}, {/^g/ OOPS}}\n"
	    "body_checks = pcre:{{/^a/ IGNORE}, {/^b(.*)/ REPLACE $$1},"
	    "{/^c/ PREPEND x}}\n";
	static const struct dict_env env = {.open = open_none};
	struct conf *c = conf_from_text("/nonexistent",
	    str_n(main_cf, sizeof(main_cf) - 1), STR_NONE, NULL, NULL);
	struct sift_tables *t;
	struct buf why;

	assert(c != NULL);
	buf_init(&why, 1000);
	t = sift_tables_open(c, &env, &why);
	assert(t != NULL);
	conf_free(&c);
	buf_done(&why);
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sift_events events = {
	    .field = take_field,
	    .end_header = end_header,
	    .put = put,
	    .act = act,
	    .wrong = wrong,
	};
	static struct sift_tables *tables;
	struct str in = {(const char *)data, size};
	size_t cut = size == 0 ? 0 : data[0] % (size + 1);
	struct seen seen = {0};
	struct sift *s;
	int r;

	if (tables == NULL)
		tables = open_tables();
	s = sift_new(tables, &events, &seen);
	r = sift_bytes(s, str_sub(in, 0, cut));
	if (r == 0)
		r = sift_bytes(s, str_from(in, cut));
	if (r == 0)
		r = sift_end(s);
	assert(r == 0 || r == -EMSGSIZE);
	assert(seen.bytes <= 5 * size + 8);
	sift_free(&s);
	return 0;
}
