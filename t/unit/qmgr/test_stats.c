/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/clock.h"
#include "stats.h"

static void
count_all(struct stats *s)
{
	struct outcome o = {.state = OUTCOME_SENT};

	stats_taken(s, 100);
	stats_outcome(s, &o);
	stats_outcome(s, &o);
	o.state = OUTCOME_DEFERRED;
	stats_outcome(s, &o);
	o.state = OUTCOME_BOUNCED;
	stats_outcome(s, &o);
	stats_removed(s);
}

static void
counts(void **state)
{
	struct stats s = {0};
	struct stats_counts c;

	(void)state;
	assert_int_equal(stats_recent(&s, CLOCK_SEC, &c), 0);
	assert_int_equal(c.taken, 0);
	stats_tick(&s, CLOCK_SEC);
	count_all(&s);
	assert_int_equal(stats_recent(&s, 3 * CLOCK_SEC, &c), 2 * CLOCK_SEC);
	assert_int_equal(c.taken, 1);
	assert_int_equal(c.bytes, 100);
	assert_int_equal(c.sent, 2);
	assert_int_equal(c.deferred, 1);
	assert_int_equal(c.bounced, 1);
	assert_int_equal(c.removed, 1);
}

/* One message a second for five minutes: sixty within the last minute. */
static void
minute(void **state)
{
	struct stats s = {0};
	struct stats_counts c;

	(void)state;
	for (int64_t second = 0; second < 300; second++) {
		stats_tick(&s, second * CLOCK_SEC);
		stats_taken(&s, 1);
		if (second < 1)
			continue;
		int64_t span = stats_recent(&s, second * CLOCK_SEC, &c);
		int64_t want =
		    second < STATS_SAMPLES - 1 ? second : STATS_SAMPLES - 1;

		assert_int_equal(span, want * CLOCK_SEC);
		assert_int_equal(c.taken, want + 1);
	}
	assert_int_equal(s.now.taken, 300);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts),
    cmocka_unit_test(minute),
};

TAP_RUN(tests)
