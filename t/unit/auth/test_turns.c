/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "turns.h"

#include "base/task.h"
#include "net/ip.h"

#include <errno.h>
#include <stdio.h>

#define ADDRESS STR("192.0.2.1")

static struct turns turns;
static unsigned inside, most, done;

static void
take_turn(void *arg)
{
	struct str address = str_c(arg);

	assert_int_equal(turns_enter(&turns, address), 0);
	if (++inside > most)
		most = inside;
	task_yield();
	inside--;
	turns_leave(&turns, address, false);
	if (++done == 20)
		loop_stop();
}

static void
run(const char *const *addresses, size_t n)
{
	assert_int_equal(loop_init(), 0);
	turns_init(&turns, 0);
	inside = most = done = 0;
	for (unsigned i = 0; i < 20; i++)
		task_start(take_turn, (void *)(uintptr_t)addresses[i % n]);
	loop_run();
	loop_done();
	assert_int_equal(done, 20);
	assert_int_equal(turns.count, 0);
	assert_int_equal(turns.addresses.count, 0);
	map_done(&turns.addresses);
}

static void
test_one_at_a_time(void **state)
{
	static const char *const one[] = {"192.0.2.1"};
	static const char *const net[] = {"2001:db8::1", "2001:db8::2"};
	static const char *const two[] = {"192.0.2.1", "192.0.2.2"};
	static const char *const own[] = {"127.0.0.1", "", "::1", "nonsense"};

	(void)state;
	run(one, 1);
	assert_int_equal(most, 1);
	run(net, 2);
	assert_int_equal(most, 1);
	run(two, 2);
	assert_int_equal(most, 2);
	run(own, 4);
	assert_int_equal(most, 20);
}

static void
fail_and_come_again(void *arg)
{
	int64_t before = clock_mono();

	(void)arg;
	turns_enter(&turns, ADDRESS);
	turns_leave(&turns, ADDRESS, true);
	turns_enter(&turns, STR("192.0.2.2"));
	assert_true(clock_mono() < before + turns.delay);
	turns_leave(&turns, STR("192.0.2.2"), false);
	turns_enter(&turns, ADDRESS);
	assert_true(clock_mono() >= before + turns.delay);
	turns_leave(&turns, ADDRESS, false);
	task_sleep(before + 2 * turns.delay);
	loop_stop();
}

static void
test_failure_delays(void **state)
{
	(void)state;
	assert_int_equal(loop_init(), 0);
	turns_init(&turns, CLOCK_SEC / 10);
	task_start(fail_and_come_again, NULL);
	loop_run();
	loop_done();
	assert_int_equal(turns.addresses.count, 0);
	map_done(&turns.addresses);
}

static void
crowd(void *arg)
{
	int r = turns_enter(&turns, ADDRESS);

	(void)arg;
	if (r == -EBUSY)
		done++;
	else if (r == 0)
		turns_leave(&turns, ADDRESS, false);
}

static void
hold(void *arg)
{
	(void)arg;
	assert_int_equal(turns_enter(&turns, ADDRESS), 0);
	for (unsigned i = 0; i < TURNS_ADDRESS_MAX + 9; i++)
		task_start(crowd, NULL);
	task_yield();
	turns_leave(&turns, ADDRESS, false);
}

static void
test_bound(void **state)
{
	(void)state;
	assert_int_equal(loop_init(), 0);
	turns_init(&turns, 0);
	done = 0;
	task_start(hold, NULL);
	loop_run();
	loop_done();
	assert_int_equal(done, 10);
	assert_int_equal(turns.addresses.count, 0);
	map_done(&turns.addresses);
}

/* ---- guesses from many addresses ---- */

#define BOTS    60
#define GUESSES 50 /* of each, at once */

static unsigned right, refused;

static void
guess(void *arg)
{
	struct str address = str_c(arg);

	if (turns_enter(&turns, address) < 0) {
		refused++;
		return;
	}
	task_yield();
	turns_leave(&turns, address, true);
}

static void
come_among_them(void *arg)
{
	(void)arg;
	assert_int_equal(turns.count, TURNS_MAX);
	assert_int_equal(turns.addresses.count, BOTS);
	if (turns_enter(&turns, ADDRESS) == 0) {
		turns_leave(&turns, ADDRESS, false);
		right++;
	}
	if (turns_enter(&turns, STR("127.0.0.1")) == 0) {
		turns_leave(&turns, STR("127.0.0.1"), false);
		right++;
	}
}

static void
test_botnet(void **state)
{
	static char names[BOTS][IP_TEXT_MAX];

	(void)state;
	assert_int_equal(loop_init(), 0);
	turns_init(&turns, CLOCK_SEC / 100);
	right = refused = 0;
	for (unsigned i = 0; i < BOTS; i++) {
		snprintf(names[i], sizeof(names[i]), "198.51.%u.%u", i / 250,
		    i % 250);
		for (unsigned k = 0; k < GUESSES; k++)
			task_start(guess, names[i]);
	}
	task_start(come_among_them, NULL);
	loop_run();
	loop_done();
	assert_int_equal(right, 2);
	assert_true(refused >= BOTS * GUESSES - TURNS_MAX);
	assert_int_equal(turns.count, 0);
	assert_int_equal(turns.addresses.count, 0);
	map_done(&turns.addresses);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_at_a_time),
    cmocka_unit_test(test_failure_delays),
    cmocka_unit_test(test_bound),
    cmocka_unit_test(test_botnet),
};

TAP_RUN(tests)
