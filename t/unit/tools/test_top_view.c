/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/clock.h"
#include "plain.h"
#include "top_view.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static struct admin_recipient recipients[] = {
    {TEXT("a@Dead.test"), TEXT("connect: refused")},
    {TEXT("b@other.test"), TEXT("")},
    {TEXT("no domain"), TEXT("")},
};

static struct admin_entry
entry(const char *queue, size_t first, size_t n)
{
	return (struct admin_entry){
	    .queue = str_c(queue),
	    .id = STR("ID"),
	    .recipients = {&recipients[first], n},
	};
}

static void
count(struct sites *s, const char *queue, size_t first, size_t n)
{
	struct admin_entry e = entry(queue, first, n);

	sites_add(s, &e);
}

static void
site_counts(void **state)
{
	struct admin_entry e = entry("deferred", 0, 3);
	const struct site *one;
	struct sites s;

	(void)state;
	sites_init(&s);
	count(&s, "deferred", 0, 3);
	count(&s, "deferred", 0, 1);
	count(&s, "hold", 0, 2);
	count(&s, "active", 0, 3);
	count(&s, "maildrop", 0, 3);
	one = sites_get(&s, STR("DEAD.test"));
	assert_non_null(one);
	assert_string_equal(one->name, "dead.test");
	assert_int_equal(one->deferred, 2);
	assert_int_equal(one->held, 1);
	assert_string_equal(one->reason, "connect: refused");
	assert_int_equal(sites_get(&s, STR("no domain"))->deferred, 1);
	assert_null(sites_get(&s, STR("nowhere")));
	assert_ptr_equal(sites_find(&e, STR("OTHER.test")), &recipients[1]);
	assert_ptr_equal(sites_find(&e, STR("B@other.test")), &recipients[1]);
	assert_null(sites_find(&e, STR("c@other.test")));
	assert_null(sites_find(&e, STR("test")));
	sites_done(&s);
}

/* More domains than are kept: the others are one. */
static void
site_bound(void **state)
{
	struct admin_recipient r = {.reason = STR_NONE};
	struct admin_entry e = {.queue = STR("hold"), .recipients = {&r, 1}};
	struct sites s;
	char name[64];

	(void)state;
	sites_init(&s);
	for (unsigned i = 0; i < SITES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "x@%u.test", i);
		r.address = str_c(name);
		sites_add(&s, &e);
	}
	assert_int_equal(s.all.count, SITES_MAX + 1);
	assert_int_equal(sites_get(&s, STR(SITES_OTHERS))->held, 10);
	sites_done(&s);
}

static struct admin_destination destinations[] = {
    {.transport = TEXT("smtp"),
	.nexthop = TEXT("dead.test"),
	.is_dead = 1,
	.window = 1,
	.next = 34 * CLOCK_SEC,
	.why = TEXT("4.4.1 gone")},
    {.transport = TEXT("smtp"),
	.nexthop = TEXT("busy.test"),
	.waiting = 7,
	.busy = 3,
	.window = 5},
    {.transport = TEXT("slow"),
	.nexthop = TEXT("dead.test"),
	.waiting = 1,
	.window = 1,
	.next = 5 * CLOCK_SEC},
};

static struct admin_state
state_of_all(void)
{
	return (struct admin_state){
	    .started = 0,
	    .now = (int64_t)(3 * 86400 + 4 * 3600 + 5 * 60) * CLOCK_SEC,
	    .active = 14,
	    .deferred = 3,
	    .held = 1,
	    .waiting = 8,
	    .busy = 3,
	    .journal = 12,
	    .is_open = 1,
	    .all = {.taken = 1000, .sent = 900, .removed = 800},
	    .recent = {.taken = 60, .bytes = 61440, .sent = 6000},
	    .span = 60 * CLOCK_SEC,
	    .destinations = 3,
	    .shown = {destinations, 3},
	};
}

static char *
show_head(const struct admin_state *s, unsigned width)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	top_view_head(out, s, width);
	fclose(out);
	return text;
}

static void
head(void **state)
{
	struct admin_state s = state_of_all();
	char *text = show_head(&s, 0);

	(void)state;
	assert_string_equal(text,
	    "queue: active 14, deferred 3, hold 1; journal 12%; taking mail\n"
	    "recipients: waiting 8; jobs: 3; destinations: 3\n"
	    "a second: in 1.0 (1.0 KiB), sent 100, deferred 0.0, bounced 0.0, "
	    "removed 0.0; over 60 s\n"
	    "in all: in 1000, sent 900, deferred 0, bounced 0, removed 800; "
	    "up 3 d 04:05\n");
	free(text);
	s.is_open = 0;
	s.why = STR("Insufficient system storage");
	s.span = 0; /* nothing is divided by it */
	text = show_head(&s, 30);
	for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		assert_true(strchr(line, '\n') - line <= 30);
	free(text);
	text = show_head(&s, 0);
	assert_non_null(
	    strstr(text, "; NOT taking mail: Insufficient system storage\n"));
	free(text);
}

static void
rows(void **state)
{
	struct admin_state s = state_of_all();
	struct top_rows r;
	struct sites sites;
	struct arena a;
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	arena_init(&a, 1 << 20);
	sites_init(&sites);
	count(&sites, "deferred", 0, 1);
	count(&sites, "hold", 1, 1);
	r = top_view_join(&s, &sites, &a);
	assert_int_equal(r.n, 4);
	for (size_t i = 0; i < r.n; i++)
		top_view_row(out, &r.p[i], i == 3 ? 40 : 0);
	fclose(out);
	assert_string_equal(text,
	    "smtp:busy.test                       7     3     5        0     0 "
	    "busy       -\n"
	    "slow:dead.test                       1     0     1        0     0 "
	    "paced 5 s  -\n"
	    "smtp:dead.test                       0     0     1        1     0 "
	    "dead 34 s  4.4.1 gone\n"
	    "other.test                           0  \n");
	free(text);
	sites_done(&sites);
	arena_done(&a);
}

static void
message(void **state)
{
	struct top_message m = {
	    .queue = STR("deferred"),
	    .id = STR("4Zk2lD1nB7zKpQ9xy"),
	    .size = 1234,
	    .recipients = 3,
	    .sender = STR(""),
	    .recipient = STR("a@\x1b[2Jdead.test"),
	    .reason = STR("connect: refused"),
	};
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	top_view_message(out, &m, 3661 * CLOCK_SEC, 0);
	fclose(out);
	assert_string_equal(text,
	    "4Zk2lD1nB7zKpQ9xy deferred    1:01:01      1234 MAILER-DAEMON    "
	    "        a@?[2Jdead.test and 2 more (connect: refused)\n");
	free(text);
}

static void
cuts(void **state)
{
	(void)state;
	assert_str(plain_cut(STR("abc"), 0), "abc");
	assert_str(plain_cut(STR("abc"), 2), "ab");
	assert_str(plain_cut(STR("abc"), 3), "abc");
	assert_str(plain_cut(STR("\303\244\303\266x"), 2), "\303\244\303\266");
	assert_str(plain_cut(STR(""), 2), "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(site_counts),
    cmocka_unit_test(site_bound),
    cmocka_unit_test(head),
    cmocka_unit_test(rows),
    cmocka_unit_test(message),
    cmocka_unit_test(cuts),
};

TAP_RUN(tests)
