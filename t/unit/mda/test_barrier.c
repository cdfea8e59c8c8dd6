/* SPDX-License-Identifier: ISC */
/*
 * For how long the flush of a whole disk is left alone, by what the last one
 * took.  The clock and the disk are played.
 */
#include "tap.h"

#include "barrier.h"
#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

static int64_t now, takes;
static int error;

int64_t __wrap_clock_exact(void);
int __wrap_syncfs(int fd);
int __wrap_fsync(int fd);

int64_t
__wrap_clock_exact(void)
{
	return now;
}

int
__wrap_syncfs(int fd)
{
	(void)fd;
	now += takes;
	errno = error;
	return error == 0 ? 0 : -1;
}

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* How long after a flush that took so long none is tried. */
static int64_t
pause_after(int64_t took, int e)
{
	struct barrier b = {0};
	int64_t end;

	now = 1000 * CLOCK_SEC;
	takes = took;
	error = e;
	assert_int_equal(
	    barrier_all(&b, -1), e == 0 ? BARRIER_HOLDS : BARRIER_BROKE);
	end = now;
	takes = 0;
	error = 0;
	while (barrier_all(&b, -1) == BARRIER_IS_NONE)
		now += CLOCK_SEC / 4;
	return now - end;
}

static void
test_pauses(void **state)
{
	(void)state;
	assert_int_equal(pause_after(CLOCK_SEC / 10, 0), 0);
	assert_int_equal(pause_after(CLOCK_SEC / 4, 0), 5 * CLOCK_SEC);
	assert_int_equal(pause_after(CLOCK_SEC, 0), 20 * CLOCK_SEC);
	assert_int_equal(pause_after(3 * CLOCK_SEC, 0), 60 * CLOCK_SEC);
	assert_int_equal(pause_after(900 * CLOCK_SEC, 0), 60 * CLOCK_SEC);
	assert_int_equal(pause_after(0, EIO), 60 * CLOCK_SEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pauses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
