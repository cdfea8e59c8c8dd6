/* SPDX-License-Identifier: ISC */
/*
 * A link of the test's own, in place of link_call(): what is asked, and what
 * is made of answers that come, do not come, or are odd.
 */
#include "tap.h"

#include "mail/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct {
	int error; /* of the call; else the answer: */
	unsigned kind;
	const struct shape *shape;
	const void *value;
	unsigned calls;
	char key[300]; /* what was asked */
	uint64_t number;
} line;

static struct arena a;

int
link_call(struct link *l, unsigned kind, const void *value, const int *fds,
    size_t nfds, struct parcel *ret_answer, int64_t deadline)
{
	const struct dns_ask *dns = value;
	const struct lookup_ask *lookup = value;
	bool is_dns = line.shape == &dns_answer_shape;
	struct str key = is_dns ? dns->name : lookup->key;

	(void)l;
	(void)kind;
	(void)fds;
	(void)nfds;
	assert_true(deadline < CLOCK_NEVER);
	line.calls++;
	line.number = is_dns ? dns->type : lookup->database;
	snprintf(line.key, sizeof(line.key), "%.*s", STR_ARG(key));
	if (line.error != 0)
		return line.error;
	*ret_answer = (struct parcel){.kind = line.kind};
	arena_init(&ret_answer->arena, 64 * 1024);
	void *copy = arena_alloc(&ret_answer->arena, line.shape->size);
	shape_copy(line.shape, line.value, &ret_answer->arena, copy);
	ret_answer->value = copy;
	return 0;
}

static void
expect_dns(int error, unsigned kind, const struct dns_answer *answer)
{
	line.error = error;
	line.kind = kind;
	line.shape = &dns_answer_shape;
	line.value = answer;
	line.calls = 0;
	arena_reset(&a);
}

static void
expect_lookup(int error, unsigned kind, const struct lookup_answer *answer)
{
	line.error = error;
	line.kind = kind;
	line.shape = &lookup_answer_shape;
	line.value = answer;
	line.calls = 0;
	arena_reset(&a);
}

static void
test_dns(void **state)
{
	struct dns_record mx = {DNS_MX, 10, STR("mx.example")};
	struct dns_answer yes = {.find = FIND_YES, .records = {&mx, 1}};
	struct dns_answer no = {.find = FIND_NO, .nxdomain = 1};
	struct dns_answer odd = {.find = 77};
	struct dns_answer got;
	char name[300];

	(void)state;
	expect_dns(0, DNS_ANSWER, &yes);
	assert_int_equal(
	    ask_dns(NULL, STR("example"), DNS_MX, &a, &got), FIND_YES);
	assert_string_equal(line.key, "example");
	assert_int_equal(line.number, DNS_MX);
	assert_int_equal(got.records.n, 1);
	assert_str(ask_dns_record(&got, 0)->data, "mx.example");
	assert_ptr_not_equal(ask_dns_record(&got, 0), &mx);

	expect_dns(0, DNS_ANSWER, &no);
	assert_int_equal(ask_dns(NULL, STR("x"), DNS_A, &a, &got), FIND_NO);
	assert_int_equal(got.nxdomain, 1);
	/* A number that is not ours, a parcel that is no answer. */
	expect_dns(0, DNS_ANSWER, &odd);
	assert_int_equal(ask_dns(NULL, STR("x"), DNS_A, &a, &got), FIND_RETRY);
	assert_int_equal(got.find, FIND_RETRY);
	expect_dns(0, DNS_ASK, &no);
	assert_int_equal(ask_dns(NULL, STR("x"), DNS_A, &a, &got), FIND_RETRY);

	static const int errors[] = {-ETIMEDOUT, -EPIPE, -ECANCELED, -EACCES};
	for (size_t i = 0; i < 4; i++) {
		expect_dns(errors[i], 0, NULL);
		assert_int_equal(
		    ask_dns(NULL, STR("x"), DNS_A, &a, &got), FIND_RETRY);
		assert_true(got.why.len > 0);
	}

	/* No such name can be: nobody is asked. */
	memset(name, 'x', sizeof(name));
	expect_dns(0, DNS_ANSWER, &yes);
	assert_int_equal(
	    ask_dns(NULL, str_n(name, 256), DNS_A, &a, &got), FIND_NO);
	assert_int_equal(line.calls, 0);
	/* No room for the answer: it is not asked for. */
	arena_alloc(&a, arena_left(&a) - ASK_ROOM + 100);
	assert_int_equal(ask_dns(NULL, STR("x"), DNS_A, &a, &got), FIND_RETRY);
	assert_int_equal(line.calls, 0);
}

static void
test_users(void **state)
{
	struct lookup_answer ann = {.find = FIND_YES,
	    .name = STR("ann"),
	    .uid = 1000,
	    .gid = 100,
	    .home = STR("/home/ann"),
	    .shell = STR("/bin/sh"),
	    .text = STR("100 4 27")};
	struct lookup_answer no = {.find = FIND_NO};
	struct lookup_answer odd = {.find = FIND_YES, .text = STR("100 x")};
	struct ask_user user;
	struct ask_groups groups;
	gid_t gid = 0;

	(void)state;
	expect_lookup(0, LOOKUP_ANSWER, &ann);
	assert_int_equal(ask_user(NULL, STR("ann"), &a, &user), FIND_YES);
	assert_int_equal(line.number, LOOKUP_PASSWD_BYNAME);
	assert_int_equal(user.uid, 1000);
	assert_str(user.home, "/home/ann");
	assert_int_equal(ask_user_by_uid(NULL, 1000, &a, &user), FIND_YES);
	assert_int_equal(line.number, LOOKUP_PASSWD_BYUID);
	assert_string_equal(line.key, "1000");
	assert_int_equal(ask_group(NULL, STR("users"), &a, &gid), FIND_YES);
	assert_int_equal(gid, 100);
	assert_int_equal(ask_groups(NULL, STR("ann"), &a, &groups), FIND_YES);
	assert_int_equal(groups.n, 3);
	assert_int_equal(groups.gids[2], 27);

	expect_lookup(0, LOOKUP_ANSWER, &odd);
	assert_int_equal(ask_groups(NULL, STR("ann"), &a, &groups), FIND_RETRY);
	expect_lookup(0, LOOKUP_ANSWER, &no);
	assert_int_equal(ask_user(NULL, STR("bob"), &a, &user), FIND_NO);
	expect_lookup(-EPIPE, 0, NULL);
	assert_int_equal(ask_user(NULL, STR("bob"), &a, &user), FIND_RETRY);
	expect_lookup(0, LOOKUP_ASK, &ann);
	assert_int_equal(ask_user(NULL, STR("ann"), &a, &user), FIND_RETRY);
}

static void
test_hosts(void **state)
{
	struct lookup_answer host = {
	    .find = FIND_YES, .text = STR("127.0.0.1 ::1")};
	struct lookup_answer odd = {.find = FIND_YES, .text = STR("127.0.0")};
	struct ip ip = {4, {127, 0, 0, 1}};
	struct ask_hosts hosts;
	struct str name;

	(void)state;
	expect_lookup(0, LOOKUP_ANSWER, &host);
	assert_int_equal(
	    ask_host(NULL, STR("localhost"), &a, &hosts), FIND_YES);
	assert_int_equal(hosts.n, 2);
	assert_true(ip_eq(&hosts.ips[0], &ip));
	assert_int_equal(hosts.ips[1].family, 6);
	expect_lookup(0, LOOKUP_ANSWER, &odd);
	assert_int_equal(ask_host(NULL, STR("x"), &a, &hosts), FIND_RETRY);
	host.text = STR("localhost");
	expect_lookup(0, LOOKUP_ANSWER, &host);
	assert_int_equal(ask_address(NULL, &ip, &a, &name), FIND_YES);
	assert_string_equal(line.key, "127.0.0.1");
	assert_str(name, "localhost");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_dns),
    cmocka_unit_test(test_users),
    cmocka_unit_test(test_hosts),
};

int
main(void)
{
	arena_init(&a, 4 * ASK_ROOM);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
