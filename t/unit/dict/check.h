/* SPDX-License-Identifier: ISC */
/* What every test of a table type does: open it, ask, compare. */
#ifndef T_DICT_CHECK_H
#define T_DICT_CHECK_H

#include "tap.h"

#include "env.h"

#include <stdint.h>

/* The answer as text, "NO", "RETRY" or "BROKEN". */
static inline void
check_get(struct dict *d, const char *key, const char *expected)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str got = STR_NONE;

	arena_init(&a, 1 << 20);
	switch (dict_get(d, str_c(key), &a, &got)) {
	case FIND_YES:
		break;
	case FIND_NO:
		got = STR("NO");
		break;
	case FIND_RETRY:
		got = STR("RETRY");
		break;
	case FIND_BROKEN:
		got = STR("BROKEN");
		break;
	}
	assert_string_equal(arena_cstr(&a, got), expected);
}

static inline struct dict *
check_open(struct fake_env *e, const char *spec)
{
	BUF_CLEANUP struct buf why = {0};
	struct dict *d;

	buf_init(&why, 4096);
	d = dict_open(&e->env, str_c(spec), &why);
	assert_string_equal(why.p, "");
	assert_non_null(d);
	return d;
}

/* It does not open, and says why with `text` in it. */
static inline void
check_refused(struct fake_env *e, const char *spec, const char *text)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	assert_null(dict_open(&e->env, str_c(spec), &why));
	assert_non_null(strstr(why.p, text));
}

#endif
