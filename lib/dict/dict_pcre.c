/* SPDX-License-Identifier: ISC */
/*
 * dict_pcre - pcre:/file: Perl's regular expressions by PCRE2, written
 * "/pattern/flags".  Flags turn a default round: i (case is ignored), s (a
 * dot matches a newline), m, x, A, E, U as pcre_table(5) has them; X is of
 * the past and means nothing.
 *
 * A match may try MATCH_MAX times, go DEPTH_MAX deep and take HEAP_MAX KiB;
 * a subject that needs more is FIND_RETRY, never "does not match".  There is
 * no JIT: no page here is writable and executable.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "dict/pattern.h"
#include "dict/rules.h"

#include "base/log.h"

#include <pcre2.h>
#include <stdlib.h>

#define MATCH_MAX 200000
#define DEPTH_MAX 50000
#define HEAP_MAX  (16 * 1024)

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *found;
	size_t groups;
};

static const struct {
	char letter;
	uint32_t bit;
} options[] = {
    {'i', PCRE2_CASELESS},
    {'m', PCRE2_MULTILINE},
    {'s', PCRE2_DOTALL},
    {'x', PCRE2_EXTENDED},
    {'A', PCRE2_ANCHORED},
    {'E', PCRE2_DOLLAR_ENDONLY},
    {'U', PCRE2_UNGREEDY},
    {'X', 0},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static bool
read_flags(struct str flags, uint32_t *ret, struct buf *why)
{
	*ret = PCRE2_CASELESS | PCRE2_DOTALL;
	for (size_t i = 0; i < flags.len; i++) {
		size_t o = 0;

		while (o < OPTIONS && options[o].letter != flags.p[i])
			o++;
		if (o == OPTIONS) {
			buf_addf(why, "unknown PCRE option \"%c\"", flags.p[i]);
			return false;
		}
		*ret ^= options[o].bit;
	}
	return true;
}

static void
free_pattern(void *pattern)
{
	struct regex *re = pattern;

	pcre2_match_data_free(re->found);
	pcre2_match_context_free(re->limits);
	pcre2_code_free(re->code);
	free(re);
}

static struct regex *
wrap(pcre2_code *code)
{
	struct regex *re = calloc(1, sizeof(*re));
	uint32_t groups = 0;

	if (re != NULL) {
		re->code = code;
		re->limits = pcre2_match_context_create(NULL);
		re->found = pcre2_match_data_create(RULES_GROUPS, NULL);
	}
	if (re == NULL || re->limits == NULL || re->found == NULL)
		log_fatal("out of memory for a pattern");
	pcre2_set_match_limit(re->limits, MATCH_MAX);
	pcre2_set_depth_limit(re->limits, DEPTH_MAX);
	pcre2_set_heap_limit(re->limits, HEAP_MAX);
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	re->groups = groups;
	return re;
}

static void *
compile(struct str *rest, struct buf *why)
{
	PCRE2_UCHAR message[256] = "";
	struct str text, flags;
	PCRE2_SIZE at;
	pcre2_code *code;
	uint32_t bits;
	int error;

	if (!pattern_cut(rest, &text, &flags, why) ||
	    !read_flags(flags, &bits, why))
		return NULL;
	code = pcre2_compile(
	    (PCRE2_SPTR)text.p, text.len, bits, &error, &at, NULL);
	if (code != NULL)
		return wrap(code);
	pcre2_get_error_message(error, message, sizeof(message));
	buf_addf(why, "error in regex at offset %zu: %s", at, message);
	return NULL;
}

static enum find
match(void *pattern, struct str subject, struct rules_match *ret)
{
	const struct regex *re = pattern;
	int n = pcre2_match(re->code, (PCRE2_SPTR)subject.p, subject.len, 0, 0,
	    re->found, re->limits);
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(re->found);

	/* A (*UTF) pattern and a subject that is not UTF-8. */
	if (n == PCRE2_ERROR_NOMATCH ||
	    (n <= PCRE2_ERROR_UTF8_ERR1 && n >= PCRE2_ERROR_UTF8_ERR21))
		return FIND_NO;
	if (n < 0)
		return FIND_RETRY;
	for (size_t i = 0; i < RULES_GROUPS; i++) {
		bool took_part =
		    (n == 0 || i < (size_t)n) && at[2 * i] != PCRE2_UNSET;

		ret->spans[i].from = took_part ? at[2 * i] : 1;
		ret->spans[i].to = took_part ? at[2 * i + 1] : 0;
	}
	return FIND_YES;
}

static size_t
count_groups(void *pattern)
{
	const struct regex *re = pattern;

	return re->groups;
}

static const struct rules_engine engine = {
    .compile = compile,
    .match = match,
    .free = free_pattern,
    .groups = count_groups,
    .is_deep = true,
};

static bool
open_pcre(struct dict *d, const struct dict_opening *o)
{
	return rules_open(d, o, &engine);
}

const struct dict_type dict_type_pcre = {
    .name = "pcre",
    .suffix = "",
    .is_pattern = true,
    .open = open_pcre,
    .get = rules_get,
    .free = rules_free,
};
