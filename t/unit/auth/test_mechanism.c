/* SPDX-License-Identifier: ISC */
/* What clients may say in each mechanism, and what is made of it; whole
 * dialogues of SCRAM are in t/auth.py. */
#include "guard.h"
#include "tap.h"

#include "mechanism.h"

#define NUL "\0"

static const struct dict_env env = {.default_type = {"hash", 4}};

static struct users *
make_users(void)
{
	static const struct users_seed seed;
	BUF_CLEANUP struct buf list = {0}, why = {0};
	struct users *u;

	buf_init(&list, 4096);
	buf_init(&why, 1000);
	buf_add_c(&list, "inline:{ {ann=");
	assert_int_equal(
	    password_make(STR("SCRAM-SHA-256"), STR("pencil"), NULL, &list), 0);
	buf_add_c(&list, "} }");
	u = users_new(&env, buf_str(&list), &seed, &why);
	assert_non_null(u);
	return u;
}

static enum step
first(struct users *u, const char *mechanism, struct str in)
{
	struct exchange x;
	struct str guarded = guard_copy(in);
	enum step step;

	exchange_init(&x, mechanism_find(str_c(mechanism)), u, "");
	step = exchange_step(&x, true, guarded);
	exchange_done(&x);
	guard_free(guarded);
	return step;
}

static void
test_plain(void **state)
{
	static const struct str bad[] = {STR_NONE, STR("x"), STR(NUL),
	    STR(NUL "ann"), STR(NUL NUL "pw"), STR("bob" NUL "ann" NUL "pw"),
	    STR(NUL "ann" NUL "pw" NUL), STR(NUL "a b" NUL "pw"),
	    STR(NUL "a:b" NUL "pw"), STR(NUL "-a" NUL "pw"),
	    STR(NUL "a\x01" NUL "pw"), STR(NUL "\xff" NUL "pw")};
	struct users *u = make_users();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(first(u, "PLAIN", bad[i]), STEP_BAD);
	assert_int_equal(
	    first(u, "PLAIN", STR(NUL "ann" NUL "pw")), STEP_CHECK);
	assert_int_equal(
	    first(u, "plain", STR("Ann" NUL "ann" NUL "")), STEP_CHECK);
	users_unref(&u);
}

static void
test_scram_first(void **state)
{
	static const struct str bad[] = {STR_NONE, STR("n"), STR("n,"),
	    STR("n,,"), STR("n,,n=ann"), STR("n,,n=ann,"), STR("n,,n=,r=x"),
	    STR("n,,n=ann,r="), STR("n,,r=x,n=ann"), STR("n,,m=1,n=ann,r=x"),
	    STR("p=tls-unique,,n=ann,r=x"), STR("x,,n=ann,r=x"),
	    STR("n,b=ann,n=ann,r=x"), STR("n,a=bob,n=ann,r=x"),
	    STR("n,,n=a=b,r=x"), STR("n,,n=a=2,r=x"), STR("n,,n=a=3D=,r=x"),
	    STR("n,,n=ann,r=x y"), STR("n,,n=ann,r=\xc3\xa9"),
	    STR("n,,n=a b,r=x"), STR("y,a=a,n=ann,r=x")};
	struct users *u = make_users();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(first(u, "SCRAM-SHA-256", bad[i]), STEP_BAD);
	assert_int_equal(
	    first(u, "SCRAM-SHA-256", STR("n,,n=ann,r=x")), STEP_CHALLENGE);
	assert_int_equal(
	    first(u, "SCRAM-SHA-256", STR("y,a=Ann,n=ann,r=x,ext=later")),
	    STEP_CHALLENGE);
	assert_int_equal(
	    first(u, "SCRAM-SHA-1", STR("n,,n=no=2Cbody,r=x")), STEP_CHALLENGE);
	users_unref(&u);
}

static enum verdict
second(struct users *u, const char *name, const char *format)
{
	struct exchange x;
	BUF_CLEANUP struct buf in = {0};
	enum verdict v = VERDICT_RETRY;
	struct str nonce, guarded;

	buf_init(&in, 1000);
	exchange_init(&x, mechanism_find(STR("SCRAM-SHA-256")), u, "");
	buf_addf(&in, "n,,n=%s,r=abc", name);
	assert_int_equal(exchange_step(&x, true, buf_str(&in)), STEP_CHALLENGE);
	nonce = str_from(buf_str(&x.out), 2);
	str_cut(nonce, ',', &nonce, NULL);
	buf_reset(&in);
	for (; *format != '\0'; format++)
		if (*format == '%')
			buf_add_str(&in, nonce);
		else
			buf_add_char(&in, *format);
	guarded = guard_copy(buf_str(&in));
	if (exchange_step(&x, true, guarded) == STEP_CHECK)
		v = exchange_check(&x);
	guard_free(guarded);
	exchange_done(&x);
	return v;
}

static void
test_scram_final(void **state)
{
	static const char *const bad[] = {"", ",", "c=biws", "c=biws,r=%",
	    "c=biws,r=%,p", "c=biws,r=%,p=", "c=biws,r=%,p=!",
	    "c=biws,r=%x,p=AAAA", "c=biws,r=abc,p=AAAA", "c=eSws,r=%,p=AAAA",
	    "r=%,c=biws,p=AAAA", "c=biws,p=AAAA,r=%", "c=biws,r=%,p=AAAA,x=y"};
	struct users *u = make_users();
	const char *wrong =
	    "c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(second(u, "ann", bad[i]), VERDICT_RETRY);
	assert_int_equal(second(u, "ann", wrong), VERDICT_WRONG);
	assert_int_equal(
	    second(u, "ann", "c=biws,r=%,x=y,p=AAAA"), VERDICT_WRONG);
	assert_int_equal(second(u, "nobody", wrong), VERDICT_NO_USER);
	users_unref(&u);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain),
    cmocka_unit_test(test_scram_first),
    cmocka_unit_test(test_scram_final),
};

TAP_RUN(tests)
