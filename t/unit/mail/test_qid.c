/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "base/map.h"
#include "mail/qid.h"

#include <errno.h>
#include <stdlib.h>

static void
test_form(void **state)
{
	static const uint64_t generations[] = {
	    0, 1, 52, 4711, QID_GENERATION_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(generations) / sizeof(*generations);
	     i++) {
		struct qid_maker m;
		char id[QID_LEN + 1];
		uint64_t g;

		qid_init(&m, generations[i]);
		qid_next(&m, id);
		assert_int_equal(strlen(id), QID_LEN);
		assert_int_equal(strspn(id, "0123456789BCDFGHJKLMNPQRSTVWXYZ"
					    "bcdfghjklmnpqrstvwxyz"),
		    QID_LEN);
		assert_true(strrchr(id, 'z') == id + 10);
		assert_int_equal(qid_generation(str_c(id), &g), 0);
		assert_int_equal(g, generations[i]);
	}
}

static void
test_unique(void **state)
{
	enum {
		COUNT = 100000
	};
	char(*ids)[QID_LEN + 1] = calloc(COUNT, sizeof(*ids));
	struct qid_maker m;
	struct map seen;
	size_t near = 0;

	(void)state;
	assert_non_null(ids);
	map_init(&seen);
	qid_init(&m, 7);
	for (size_t i = 0; i < COUNT; i++) {
		qid_next(&m, ids[i]);
		assert_null(map_put(&seen, str_n(ids[i], QID_LEN), ids[i]));
		near += i > 0 && memcmp(ids[i] + 6, ids[i - 1] + 6, 4) == 0;
	}
	/* The next one is not guessed from the last. */
	assert_true(near < 10);
	map_done(&seen);
	free(ids);
}

static void
test_malformed(void **state)
{
	static const char *const rows[] = {"", "0", "0000000000z00000",
	    "0000000000z0000000", "00000000000000000", "0000000000zA00000",
	    "0000000000z00000z", "a000000000z000000", "000000_000z000000",
	    "0000000000Z000000", "../../../../../..", "0000000000z00000 "};
	uint64_t g;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str in = guard_copy(str_c(rows[i]));

		assert_int_equal(qid_generation(in, &g), -EINVAL);
		guard_free(in);
	}
	assert_int_equal(qid_generation(str_n("00000000\0"
					      "0z000000",
					    17),
			     &g),
	    -EINVAL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_form),
    cmocka_unit_test(test_unique),
    cmocka_unit_test(test_malformed),
};
TAP_RUN(tests)
