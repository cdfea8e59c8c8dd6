/* SPDX-License-Identifier: ISC */
/* Certificates in place of others: by service, and by server name. */
#include "scene.h"

#include <unistd.h>

/* A certificate in place of another: told at once, and the old key signs for
 * those who began with it. */
static void
renewal(void)
{
	struct client a, b;
	struct str old;
	struct service *service =
	    services_get(&scene.talks.services, STR("smtpd/smtp"));

	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	old = chain_at(&a, 0).key;
	write_chain("a", scene.two, scene.two, 2 * MADE_DAY);
	load();
	let_run();
	assert_int_equal(a.told, 1);
	assert_int_equal(b.told, 0);
	assert_false(str_eq(chain_at(&a, 0).key, old));
	assert_int_equal(sign(&a, chain_at(&a, 0).key, scene.two), KEYS_OK);
	assert_int_equal(sign(&a, old, scene.one), KEYS_OK);
	/* The same again is no news, and ends nothing. */
	load();
	let_run();
	assert_int_equal(a.told, 1);
	assert_in_range(services_tend(&scene.talks.services, clock_mono()), 1,
	    service->before_until);
	assert_int_equal(service->before.n, 1);
	service->before_until = clock_mono();
	assert_int_equal(sign(&a, old, scene.one), KEYS_NO_KEY);
	/* Nor is it in memory any longer. */
	services_tend(&scene.talks.services, clock_mono());
	assert_int_equal(service->before.n, 0);
	client_close(&a);
	client_close(&b);
	write_chain("a", scene.one, scene.one, MADE_DAY);
	load();
}

static void
what_is_wrong_stays_out(void)
{
	char bytes[KEYS_ID];
	struct str id = {bytes, KEYS_ID};
	struct client a;

	join(&a, "smtpd/smtp", "");
	memcpy(bytes, chain_at(&a, 0).key.p, KEYS_ID);
	write_chain("a", scene.one, scene.two, MADE_DAY); /* does not match */
	load();
	write_chain("a", scene.two, scene.two, -1); /* expired */
	load();
	assert_int_equal(unlink(path_of("a")), 0);
	load();
	let_run();
	assert_int_equal(a.told, 0);
	assert_int_equal(sign(&a, id, scene.one), KEYS_OK);
	client_close(&a);
	join(&a, "smtpd/smtp", "");
	assert_true(str_eq(chain_at(&a, 0).key, id));
	client_close(&a);
	write_chain("a", scene.one, scene.one, MADE_DAY);
	load();
}

static size_t
find(struct client *cl, const char *name, enum find expected,
    struct keys_chain *ret, struct arena *a)
{
	struct keys_find q = {.name = str_c(name)};
	const struct keys_has *has;
	struct parcel p;
	size_t n;

	call(cl, KEYS_FIND, &q, KEYS_HAS, &p);
	has = p.value;
	assert_int_equal(has->find, expected);
	n = has->chains.n;
	if (n > 0)
		ret->key = arena_str(
		    a, ((const struct keys_chain *)has->chains.p)->key);
	parcel_done(&p);
	return n;
}

static void
server_names(void)
{
	BUF_CLEANUP struct buf table = {0};
	struct client a, b;
	struct keys_chain chain = {0};

	write_chain("two", scene.two, scene.two, MADE_DAY);
	buf_init(&table, 10000);
	buf_addf(&table,
	    "inline:{ {one.test = %s} {.two.test = %s, %s} "
	    "{bad.test = /nonexistent} {worse.test = rubbish!} }",
	    path_of("a"), path_of("two"), path_of("a"));
	scene.rows[0].names = buf_str(&table);
	load();
	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	assert_int_equal(a.held.has_names, 1);
	assert_int_equal(b.held.has_names, 0);
	assert_int_equal(find(&a, "One.Test", FIND_YES, &chain, &a.arena), 1);
	assert_int_equal(sign(&a, chain.key, scene.one), KEYS_OK);
	assert_int_equal(
	    find(&a, "x.y.two.test", FIND_YES, &chain, &a.arena), 2);
	assert_int_equal(sign(&a, chain.key, scene.two), KEYS_OK);
	assert_int_equal(find(&a, "two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(find(&a, "", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(find(&a, ".two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "a b.two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "bad.test", FIND_BROKEN, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "worse.test", FIND_BROKEN, &chain, &a.arena), 0);
	assert_int_equal(find(&b, "one.test", FIND_NO, &chain, &b.arena), 0);
	/* Renewed; then spoiled, and the old one stays. */
	write_chain("two", scene.rsa, scene.rsa, MADE_DAY);
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	load();
	let_run();
	assert_int_equal(a.told, 1);
	chain.key = STR_NONE;
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	write_chain("two", scene.rsa, scene.one, MADE_DAY);
	load();
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	scene.rows[0].names = STR_NONE;
	load();
	client_close(&a);
	client_close(&b);
}

/* A key of a table that is gone signs for those who began with it. */
static void
names_have_their_time(void)
{
	BUF_CLEANUP struct buf table = {0};
	struct names *n = names_new();
	struct chain_list l;
	struct str id;

	buf_init(&table, 1000);
	buf_addf(&table, "inline:{ {one.test = %s} }", path_of("a"));
	names_renew(n, &dict_env_tool, buf_str(&table), 1);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &l), FIND_YES);
	id = str_n((const char *)l.at[0]->id, KEYS_ID);
	assert_non_null(names_find_key(n, id, 1 + 2 * KEYS_AFTER));
	names_renew(n, &dict_env_tool, STR_NONE, 10);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &(struct chain_list){0}),
	    FIND_NO);
	assert_non_null(names_find_key(n, id, 10 + KEYS_AFTER - 1));
	assert_null(names_find_key(n, id, 10 + KEYS_AFTER));
	chain_list_done(&l);
	names_free(&n);
}

/* How many hold the first chain, when what is before's has been sifted. */
static unsigned
holders(struct names *n, const struct chain_list *l, int64_t renewed)
{
	assert_int_equal(names_tend(n, renewed), renewed + KEYS_AFTER);
	assert_int_equal(
	    names_tend(n, renewed + KEYS_AFTER), (int64_t)CLOCK_NEVER);
	return l->at[0]->refs;
}

/* A key of before is kept while it is a name's last good one. */
static void
names_are_forgotten(void)
{
	BUF_CLEANUP struct buf table = {0};
	struct names *n = names_new();
	struct chain_list l, other;

	buf_init(&table, 1000);
	buf_addf(&table, "inline:{ {one.test = %s} }", path_of("a"));
	names_renew(n, &dict_env_tool, buf_str(&table), 1);
	assert_int_equal(names_tend(n, 1), (int64_t)CLOCK_NEVER);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &l), FIND_YES);
	assert_int_equal(l.at[0]->refs, 2);
	names_renew(n, &dict_env_tool, buf_str(&table), 10);
	assert_int_equal(holders(n, &l, 10), 2);
	names_renew(n, &dict_env_tool, buf_str(&table), 20);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &other), FIND_YES);
	assert_int_equal(holders(n, &l, 20), 1);
	assert_int_equal(other.at[0]->refs, 2);
	names_renew(n, &dict_env_tool, STR_NONE, 30);
	assert_int_equal(holders(n, &other, 30), 1);
	chain_list_done(&l);
	chain_list_done(&other);
	names_free(&n);
}

static void
run_all(void)
{
	renewal();
	what_is_wrong_stays_out();
	server_names();
	names_have_their_time();
	names_are_forgotten();
}

static void
renewals(void **state)
{
	(void)state;
	scene_test(run_all);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(renewals, scene_remove),
};

TAP_RUN(tests)
