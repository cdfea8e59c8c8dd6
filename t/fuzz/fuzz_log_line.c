/* SPDX-License-Identifier: ISC */
/* Any bytes as a log: each line read, and the lives of one id, one address. */
#include "lives.h"
#include "log_line.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_line(struct str s)
{
	struct log_line line;
	struct str id, what, name, value, rest;

	if (!log_line_parse(s, &line))
		return;
	assert(line.id.len == 0 || log_line_is_id(line.id) ||
	       str_eq(line.id, STR("NOQUEUE")));
	if (log_line_tie(&line, &id, &what) != LOG_NO_TIE)
		assert(log_line_is_id(id));
	rest = line.event;
	while (log_line_field(&rest, &name, &value))
		assert(rest.p + rest.len == line.event.p + line.event.len);
	assert(log_line_status(&line).len <= line.event.len);
}

static void
try_lives(struct str log, struct str id, struct str who)
{
	struct lives *l = lives_new(id, who);
	struct str rest, line;
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	do {
		lives_begin(l);
		rest = log;
		while (str_line(&rest, &line))
			lives_line(l, line);
	} while (lives_has_learnt(l));
	lives_print(l, out);
	fclose(out);
	free(text);
	lives_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str log = str_n((const char *)data, size), rest = log, line;

	while (str_line(&rest, &line))
		try_line(line);
	try_lives(log, STR("0A0A0A"), STR_NONE);
	try_lives(log, STR_NONE, STR("@y"));
	return 0;
}
