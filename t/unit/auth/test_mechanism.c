/* SPDX-License-Identifier: ISC */
/* What clients may say in each mechanism, and what is made of it; whole
 * dialogues of SCRAM are in t/auth.py. */
#include "guard.h"
#include "tap.h"

#include "mechanism.h"

#include "mail/sasl.h"

#define NUL "\0"

static const struct dict_env env = {.default_type = {"hash", 4}};

/* Ann, whose password it is; `before`: other hashes of hers. */
static struct users *
users_with(const char *before, const char *password)
{
	static const struct users_seed seed;
	BUF_CLEANUP struct buf list = {0}, why = {0};
	struct users *u;

	buf_init(&list, 4096);
	buf_init(&why, 1000);
	buf_addf(&list, "inline:{ {ann=%s ", before);
	assert_int_equal(
	    password_make(STR("SCRAM-SHA-256"), str_c(password), NULL, &list),
	    0);
	buf_add_c(&list, "} }");
	u = users_new(&env, buf_str(&list), &seed, &why);
	assert_non_null(u);
	return u;
}

static struct users *
make_users(void)
{
	return users_with("", "pencil");
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
		v = exchange_check(&x, u);
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

/* A client who knows the password, and what became of the users until he
 * proved it. */
static enum verdict
log_in(struct users *u, struct users *now)
{
	struct sasl *client = sasl_new(
	    sasl_find(STR("SCRAM-SHA-256")), STR("ann"), STR("pencil"));
	BUF_CLEANUP struct buf said = {0};
	struct exchange x;
	const char *why;
	enum verdict v;

	buf_init(&said, SASL_RESPONSE_MAX);
	exchange_init(&x, mechanism_find(STR("SCRAM-SHA-256")), u, "");
	assert_true(sasl_step(client, STR_NONE, &said, &why));
	assert_int_equal(
	    exchange_step(&x, true, buf_str(&said)), STEP_CHALLENGE);
	if (!sasl_step(client, buf_str(&x.out), &said, &why))
		fail_msg("%s", why);
	assert_int_equal(exchange_step(&x, true, buf_str(&said)), STEP_CHECK);
	v = exchange_check(&x, now);
	exchange_done(&x);
	sasl_free(&client);
	return v;
}

/* SECURITY: who is taken out, or has another password, while he is asked. */
static void
test_users_change(void **state)
{
	struct users *u = make_users();
	struct users *other = users_with("", "crayon");
	struct users *locked = users_with("!", "pencil");

	(void)state;
	assert_int_equal(log_in(u, u), VERDICT_OK);
	assert_int_equal(log_in(u, other), VERDICT_WRONG);
	assert_int_equal(log_in(u, locked), VERDICT_NO_USER);
	assert_int_equal(log_in(locked, locked), VERDICT_NO_USER);
	users_unref(&u);
	users_unref(&other);
	users_unref(&locked);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain),
    cmocka_unit_test(test_scram_first),
    cmocka_unit_test(test_scram_final),
    cmocka_unit_test(test_users_change),
};

TAP_RUN(tests)
