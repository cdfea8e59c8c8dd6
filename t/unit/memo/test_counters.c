/* SPDX-License-Identifier: ISC */
/* Conversations with memo: answers, hostile parcels, what is logged. */
#include "tap.h"

#include "counters.h"

#include "base/log.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct counters counters;

struct told {
	bool is_closed;
	size_t parcels;
};

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct told *told = arg;

	(void)c;
	(void)p;
	told->parcels++;
}

static void
closed(struct chan *c, const char *why, void *arg)
{
	struct told *told = arg;

	(void)c;
	(void)why;
	told->is_closed = true;
}

static struct chan *
converse(const struct protocol *proto, struct told *told)
{
	static const struct chan_events events = {take_parcel, closed};
	int fds[2];

	assert_int_equal(chan_pair(fds), 0);
	counters_serve(&counters, fds[1]);
	return chan_new(fds[0], proto, &events, told);
}

/* The total of the last counter. */
static uint64_t
ask(struct chan *c, struct memo_count *counts, size_t n)
{
	const struct memo_ask question = {{counts, n}};
	const struct memo_answer *answer;
	struct parcel p;
	uint64_t last = 0;

	assert_int_equal(chan_call(c, MEMO_ASK, &question, NULL, 0, &p,
			     clock_after(10 * CLOCK_SEC)),
	    0);
	assert_int_equal(p.kind, MEMO_ANSWER);
	answer = p.value;
	assert_int_equal(answer->totals.n, n);
	if (n > 0)
		last = ((const struct memo_total *)answer->totals.p)[n - 1].n;
	parcel_done(&p);
	return last;
}

static uint64_t
ask_one(struct chan *c, enum memo_what what, const char *key, uint64_t n)
{
	struct memo_count count = {what, str_c(key), n};

	return ask(c, &count, 1);
}

static void
end(struct chan **c, struct told *told)
{
	chan_close(c);
	*told = (struct told){0};
	for (int i = 0; i < 3; i++)
		task_yield();
}

static void
questions(void *arg)
{
	struct told told = {0}, other_told = {0};
	struct chan *c = converse(&memo_protocol, &told);
	struct chan *other = converse(&memo_protocol, &other_told);
	struct memo_count row[MEMO_COUNTS_MAX];
	const struct memo_ask tell = {{row, 2}};

	(void)arg;
	row[0] = (struct memo_count){MEMO_SESSIONS, STR("smtp:a"), 2};
	row[1] = (struct memo_count){MEMO_CONNECTIONS, STR("smtp:a"), 1};
	assert_int_equal(ask(c, row, 2), 1);
	assert_int_equal(ask(c, row, 2), 2);
	assert_int_equal(ask(other, row, 1), 4);
	assert_int_equal(chan_send(other, MEMO_TELL, 0, &tell, NULL, 0), 0);
	assert_int_equal(ask_one(other, MEMO_CONNECTIONS, "smtp:a", 0), 3);
	assert_int_equal(other_told.parcels, 0); /* of what was told */
	end(&other, &other_told);
	assert_int_equal(ask_one(c, MEMO_SESSIONS, "smtp:a", 1), 1);
	assert_int_equal(ask_one(c, MEMO_CONNECTIONS, "smtp:a", 1), 4);
	assert_int_equal(ask(c, row, 0), 0);
	for (size_t i = 0; i < MEMO_COUNTS_MAX; i++)
		row[i] = (struct memo_count){
		    MEMO_LOGIN_RECIPIENTS, STR("ann"), MEMO_N_MAX};
	assert_int_equal(ask(c, row, MEMO_COUNTS_MAX),
	    (uint64_t)MEMO_COUNTS_MAX * MEMO_N_MAX);
	end(&c, &told);
	assert_int_equal(counters.sessions.sums.count, 0);
	loop_stop();
}

/* The same name and kinds as memo's, and values that memo's does not allow. */
static const struct field loose_count_fields[] = {
    SHAPE_U64(struct memo_count, what, UINT64_MAX),
    SHAPE_LINE(struct memo_count, key, 100000),
    SHAPE_U64(struct memo_count, n, UINT64_MAX),
};
static const struct shape loose_count =
    SHAPE("count", struct memo_count, loose_count_fields);
static const struct field loose_ask_fields[] = {
    SHAPE_ROWS(struct memo_ask, counts, 100000, &loose_count),
};
static const struct shape loose_ask =
    SHAPE("ask", struct memo_ask, loose_ask_fields);
static const struct field total_fields[] = {
    SHAPE_U64(struct memo_total, n, UINT32_MAX),
};
static const struct shape total_shape =
    SHAPE("total", struct memo_total, total_fields);
static const struct field answer_fields[] = {
    SHAPE_ROWS(struct memo_answer, totals, MEMO_COUNTS_MAX, &total_shape),
};
static const struct shape answer_shape =
    SHAPE("answer", struct memo_answer, answer_fields);
static const struct shape *const loose_shapes[] = {
    &loose_ask, &answer_shape, &loose_ask};
static const struct protocol loose = {"memo", 1, loose_shapes, 3};

/* Said what is not allowed: the conversation is over, the other goes on. */
static void
expect_end(struct chan *c, struct told *told)
{
	assert_int_equal(chan_wait_end(c, clock_after(10 * CLOCK_SEC)), 0);
	assert_true(told->is_closed);
	end(&c, told);
}

static void
hostile(void *arg)
{
	static char long_key[MEMO_KEY_MAX + 1];
	static struct memo_count many[MEMO_COUNTS_MAX + 1];
	const struct memo_count bad[] = {
	    {MEMO_WHATS, STR("a"), 1},
	    {UINT64_MAX, STR("a"), 1},
	    {MEMO_MESSAGES, STR("a"), MEMO_N_MAX + 1},
	    {MEMO_SESSIONS, STR("a"), UINT64_MAX},
	    {MEMO_MESSAGES, str_n(long_key, sizeof(long_key)), 1},
	};
	struct told told = {0}, good_told = {0};
	struct chan *good = converse(&memo_protocol, &good_told);
	const struct memo_ask too_many = {{many, MEMO_COUNTS_MAX + 1}};
	const struct memo_answer answer = {{NULL, 0}};
	struct chan *c;

	(void)arg;
	memset(long_key, 'a', sizeof(long_key));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct memo_count row = bad[i];
		const struct memo_ask tell = {{&row, 1}};

		c = converse(&loose, &told);
		ask_one(c, MEMO_SESSIONS, "smtp:bad", 9);
		assert_int_equal(chan_send(c, MEMO_TELL, 0, &tell, NULL, 0), 0);
		expect_end(c, &told);
		/* What it had went with it. */
		assert_int_equal(
		    ask_one(good, MEMO_SESSIONS, "smtp:bad", 1), 1);
	}
	c = converse(&loose, &told);
	assert_int_equal(chan_send(c, MEMO_ASK, 1, &too_many, NULL, 0), 0);
	expect_end(c, &told);
	c = converse(&loose, &told); /* what only memo says: not heard */
	assert_int_equal(chan_send(c, MEMO_ANSWER, 1, &answer, NULL, 0), 0);
	assert_int_equal(ask_one(c, MEMO_CONNECTIONS, "smtp:b", 1), 1);
	end(&c, &told);
	assert_int_equal(ask_one(good, MEMO_SESSIONS, "smtp:bad", 0), 0);
	end(&good, &good_told);
	loop_stop();
}

/* Bytes that are no parcels at all. */
static void
noise(void *arg)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
	    {"x", 1},
	    {"\0\0\0\0\0\0\0\0", 8},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 14},
	    {"QUIT\r\n", 6},
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char answer[1024];
		int fds[2];

		assert_int_equal(chan_pair(fds), 0);
		counters_serve(&counters, fds[1]);
		assert_int_equal(
		    send(fds[0], rows[i].p, rows[i].n, 0), (ssize_t)rows[i].n);
		for (int turn = 0; turn < 5; turn++)
			task_sleep(clock_after(CLOCK_MS));
		while (recv(fds[0], answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
		assert_int_equal(
		    recv(fds[0], answer, sizeof(answer), MSG_DONTWAIT), 0);
		close(fds[0]);
	}
	loop_stop();
}

static void
too_many_clients(void *arg)
{
	struct told told = {0};
	struct chan *c = converse(&memo_protocol, &told);
	struct memo_count row = {MEMO_SESSIONS, STR_NONE, 1};
	const struct memo_ask tell = {{&row, 1}};
	char key[32];

	(void)arg;
	for (unsigned i = 0; i <= SESSIONS_SHARE_MAX; i++) {
		int n = snprintf(key, sizeof(key), "smtp:%u", i);

		row.key = str_n(key, (size_t)n);
		assert_int_equal(chan_send(c, MEMO_TELL, 0, &tell, NULL, 0), 0);
		if (i % 100 == 0)
			task_yield();
	}
	expect_end(c, &told);
	assert_int_equal(counters.sessions.sums.count, 0);
	loop_stop();
}

static void
run(void (*fn)(void *))
{
	counters_init(&counters, 60 * CLOCK_SEC);
	assert_int_equal(loop_init(), 0);
	task_start(fn, NULL);
	loop_run();
	loop_done();
	counters_done(&counters);
}

static void
test_questions(void **state)
{
	(void)state;
	run(questions);
}

static void
test_hostile(void **state)
{
	(void)state;
	run(hostile);
}

static void
test_noise(void **state)
{
	(void)state;
	run(noise);
}

static void
test_too_many_clients(void **state)
{
	(void)state;
	run(too_many_clients);
}

static void
test_statistics(void **state)
{
	struct statistics s = {0};
	char text[4096] = "";
	int fd = memfd_create("log", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	log_init("memo");
	log_open(LOG_TARGET_FILE, dup(fd));
	clock_set(CLOCK_SEC, 1000000 * CLOCK_SEC);
	statistics_note(&s, MEMO_CONNECTIONS, STR("smtp:a"), 2);
	statistics_note(&s, MEMO_CONNECTIONS, STR("smtp:b"), 5);
	statistics_note(&s, MEMO_CONNECTIONS, STR("smtp:c"), 5);
	statistics_note(&s, MEMO_SESSIONS, STR("smtp:c"), 3);
	statistics_note(&s, MEMO_AUTHS, STR("587:c"), 1);
	statistics_note(&s, MEMO_LOGIN_RECIPIENTS, STR("ann"), 1);
	statistics_note(&s, MEMO_RECIPIENTS, STR("smtp:c"), 0);
	statistics_note_cache(&s, 7);
	statistics_log(&s, 60 * CLOCK_SEC);
	statistics_log(&s, 60 * CLOCK_SEC); /* nothing since */
	log_flush();
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	static const char *const want[] = {
	    "statistics: max connection rate 5/60s for (smtp:b) at Jan 12 ",
	    "statistics: max connection count 3 for (smtp:c) at Jan 12 ",
	    "statistics: max auth rate 1/60s for (587:c) at Jan 12 ",
	    "statistics: max cache size 7 at Jan 12 ",
	};
	const char *at = text;
	for (size_t i = 0; i < 4; i++) {
		at = strstr(at, "statistics: ");
		assert_non_null(at);
		assert_memory_equal(at, want[i], strlen(want[i]));
		at++;
	}
	assert_null(strstr(at, "statistics: "));
	close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_questions),
    cmocka_unit_test(test_hostile),
    cmocka_unit_test(test_noise),
    cmocka_unit_test(test_too_many_clients),
    cmocka_unit_test(test_statistics),
};
TAP_RUN(tests)
