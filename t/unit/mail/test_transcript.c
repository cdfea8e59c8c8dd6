/* SPDX-License-Identifier: ISC */
/* What is kept of a session has its bounds, and nothing is when nobody asks. */
#include "tap.h"

#include "mail/notice_class.h"
#include "mail/transcript.h"

#include <string.h>

static void
test_kept(void **state)
{
	struct transcript t;
	char line[2 * TRANSCRIPT_LINE];

	(void)state;
	memset(line, 'x', sizeof(line));
	transcript_init(&t, NOTICE_POLICY | NOTICE_DELAY);
	transcript_in(&t, STR("NOOP\x1b\n\xff"));
	transcript_out(&t, STR("250 2.0.0 Ok"));
	assert_string_equal(t.lines.p, " In:  NOOP???\n Out: 250 2.0.0 Ok\n");
	t.troubles = NOTICE_DELAY | NOTICE_PROTOCOL;
	transcript_forget(&t);
	assert_int_equal(t.lines.len, 0);
	t.troubles |= NOTICE_POLICY;
	transcript_out(&t, STR("554 5.7.1 no"));
	transcript_forget(&t);
	assert_int_equal(t.lines.len, 19);
	for (int i = 0; i < 1000; i++) {
		transcript_in(&t, str_n(line, sizeof(line)));
		assert_true(t.lines.len <= TRANSCRIPT_MAX);
		assert_false(t.lines.full);
		assert_true(str_has_prefix(buf_str(&t.lines), STR(" ")));
	}
	transcript_out(&t, STR("the end"));
	assert_true(
	    str_has_suffix(buf_str(&t.lines), STR("\n Out: the end\n")));
	transcript_done(&t);

	/* Nobody wants it. */
	transcript_init(&t, NOTICE_DELAY);
	transcript_out(&t, STR("554 5.7.1 no"));
	assert_int_equal(t.lines.len, 0);
	transcript_done(&t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_kept),
};
TAP_RUN(tests)
