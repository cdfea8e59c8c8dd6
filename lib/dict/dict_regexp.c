/* SPDX-License-Identifier: ISC */
/*
 * dict_regexp - regexp:/file: POSIX regular expressions by libc, written
 * "/pattern/flags".  Flags turn a default round: i (case is ignored), x
 * (extended), m (lines within the subject count).
 */
#include "dict/pattern.h"
#include "dict/rules.h"

#include "base/checkers.h"
#include "base/log.h"

#include <regex.h>
#include <stdlib.h>

/* It would have a NUL behind every subject, REG_STARTEND or not. */
CHECKERS_TRUST("regexec")

static bool
read_flags(struct str flags, int *ret, struct buf *why)
{
	*ret = REG_EXTENDED | REG_ICASE;
	for (size_t i = 0; i < flags.len; i++) {
		switch (flags.p[i]) {
		case 'i':
			*ret ^= REG_ICASE;
			break;
		case 'x':
			*ret ^= REG_EXTENDED;
			break;
		case 'm':
			*ret ^= REG_NEWLINE;
			break;
		default:
			buf_addf(
			    why, "unknown regexp option \"%c\"", flags.p[i]);
			return false;
		}
	}
	return true;
}

static void *
compile(struct str *rest, struct buf *why)
{
	BUF_CLEANUP struct buf copy = {0};
	struct str text, flags;
	char error[256];
	regex_t *re;
	int r, bits;

	if (!pattern_cut(rest, &text, &flags, why) ||
	    !read_flags(flags, &bits, why))
		return NULL;
	if (str_has_char(text, '\0')) {
		buf_add_c(why, "a NUL in a pattern");
		return NULL;
	}
	buf_init(&copy, text.len);
	buf_add_str(&copy, text);
	re = malloc(sizeof(*re));
	if (re == NULL)
		log_fatal("out of memory for a pattern");
	r = regcomp(re, copy.p, bits);
	if (r == 0)
		return re;
	regerror(r, re, error, sizeof(error));
	buf_add_c(why, error);
	free(re);
	return NULL;
}

static enum find
match(void *pattern, struct str subject, struct rules_match *ret)
{
	regmatch_t found[RULES_GROUPS] = {{.rm_eo = (regoff_t)subject.len}};
	int r = regexec(pattern, subject.p, RULES_GROUPS, found, REG_STARTEND);

	if (r == REG_NOMATCH)
		return FIND_NO;
	if (r != 0)
		return FIND_RETRY; /* no memory for this subject */
	for (size_t i = 0; i < RULES_GROUPS; i++) {
		bool took_part = found[i].rm_so >= 0;

		ret->spans[i].from = took_part ? (size_t)found[i].rm_so : 1;
		ret->spans[i].to = took_part ? (size_t)found[i].rm_eo : 0;
	}
	return FIND_YES;
}

static void
free_pattern(void *pattern)
{
	regfree(pattern);
	free(pattern);
}

static size_t
count_groups(void *pattern)
{
	const regex_t *re = pattern;

	return re->re_nsub;
}

static const struct rules_engine engine = {
    .compile = compile,
    .match = match,
    .free = free_pattern,
    .groups = count_groups,
    .is_deep = true,
};

static bool
open_regexp(struct dict *d, const struct dict_opening *o)
{
	return rules_open(d, o, &engine);
}

const struct dict_type dict_type_regexp = {
    .name = "regexp",
    .suffix = "",
    .is_pattern = true,
    .open = open_regexp,
    .get = rules_get,
    .free = rules_free,
};
