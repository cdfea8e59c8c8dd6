/* SPDX-License-Identifier: ISC */
/* The client of each mechanism against vectors, and against a server that is
 * played here. */
#include "guard.h"
#include "tap.h"

#include "mail/base64.h"
#include "mail/sasl.h"
#include "mail/scram.h"

struct exchange {
	struct sasl *s;
	struct buf response;
	const char *why;
};

static void
setup_with(struct exchange *x, const char *name, const char *user,
    const char *password)
{
	const struct sasl_mechanism *m = sasl_find(str_c(name));

	assert_non_null(m);
	x->s = sasl_new(m, str_c(user), str_c(password));
	assert_non_null(x->s);
	buf_init_secret(&x->response, SASL_RESPONSE_MAX);
}

static void
setup(struct exchange *x, const char *name, const char *user)
{
	setup_with(x, name, user, "pencil");
}

static void
teardown(struct exchange *x)
{
	sasl_free(&x->s);
	buf_done(&x->response);
}

static bool
step(struct exchange *x, struct str challenge)
{
	struct str c = guard_copy(challenge);
	bool ok = sasl_step(x->s, c, &x->response, &x->why);

	guard_free(c);
	return ok;
}

static void
test_plain(void **state)
{
	struct exchange x;

	(void)state;
	setup(&x, "plain", "tim");
	assert_true(sasl_speaks_first(sasl_find(STR("PLAIN"))));
	assert_false(sasl_is_complete(x.s));
	assert_true(step(&x, STR_NONE));
	assert_int_equal(x.response.len, 11);
	assert_memory_equal(x.response.p, "\0tim\0pencil", 11);
	assert_true(sasl_is_complete(x.s));
	/* It asks for more: that is no PLAIN. */
	assert_false(step(&x, STR("more")));
	assert_int_equal(x.response.len, 0);
	assert_false(sasl_is_complete(x.s));
	teardown(&x);
}

static void
test_login(void **state)
{
	struct exchange x;

	(void)state;
	setup(&x, "LOGIN", "tim");
	assert_false(sasl_speaks_first(sasl_find(STR("LOGIN"))));
	assert_true(step(&x, STR("Username:")));
	assert_str(buf_str(&x.response), "tim");
	assert_false(sasl_is_complete(x.s));
	assert_true(step(&x, STR("Password:")));
	assert_str(buf_str(&x.response), "pencil");
	assert_true(sasl_is_complete(x.s));
	teardown(&x);
}

/* RFC 2195 section 2. */
static void
test_cram_md5(void **state)
{
	struct exchange x;

	(void)state;
	setup(&x, "CRAM-MD5", "tim");
	sasl_free(&x.s);
	x.s = sasl_new(
	    sasl_find(STR("CRAM-MD5")), STR("tim"), STR("tanstaaftanstaaf"));
	assert_true(
	    step(&x, STR("<1896.697170952@postoffice.reston.mci.net>")));
	assert_str(
	    buf_str(&x.response), "tim b913a602c7eda7a495b4e6e7334d3890");
	assert_true(sasl_is_complete(x.s));
	teardown(&x);
	setup(&x, "CRAM-MD5", "tim");
	assert_false(step(&x, STR_NONE));
	assert_string_equal(x.why, "an empty challenge");
	teardown(&x);
}

/* ---- SCRAM ---- */

struct server {
	enum hmac_hash hash;
	struct buf auth;
	struct scram_keys keys;
	struct buf nonce;
};

/* Takes the client's first message; *ret is ours. */
static void
server_first(struct server *s, struct str message, const char *user,
    const char *password, struct buf *ret)
{
	unsigned char salted[HMAC_MAX];
	struct str bare = str_from(message, 3), rest = bare, name, nonce;

	assert_true(str_has_prefix(message, STR("n,,")));
	assert_true(scram_take(&rest, 'n', &name));
	assert_str(name, user);
	assert_true(scram_take(&rest, 'r', &nonce));
	assert_true(scram_is_nonce(nonce) && nonce.len >= 24);
	scram_salt(s->hash, str_c(password), STR("salt"), 4096, salted);
	scram_keys(s->hash, salted, &s->keys);
	buf_init(&s->auth, 3 * SCRAM_MESSAGE_MAX);
	buf_init(&s->nonce, 100);
	buf_addf(&s->nonce, "%.*s+server", STR_ARG(nonce));
	buf_init(ret, 1000);
	buf_addf(ret, "r=%s,s=c2FsdA==,i=4096", s->nonce.p);
	buf_addf(&s->auth, "%.*s,%s", STR_ARG(bare), ret->p);
}

static bool
server_final(struct server *s, struct str message, struct buf *ret)
{
	BUF_CLEANUP struct buf proof = {0};
	unsigned char signature[HMAC_MAX];
	struct str rest = message, value;

	buf_init(&proof, 100);
	assert_true(scram_take(&rest, 'c', &value));
	assert_str(value, "biws");
	assert_true(scram_take(&rest, 'r', &value));
	assert_true(str_eq(value, buf_str(&s->nonce)));
	assert_true(scram_take(&rest, 'p', &value));
	assert_int_equal(base64_decode(value, &proof), 0);
	assert_int_equal(rest.len, 0);
	ptrdiff_t end = str_find_str(message, STR(",p="));
	buf_addf(&s->auth, ",%.*s", (int)end, message.p);
	if (!scram_proof_is_good(
		s->hash, &s->keys, buf_str(&s->auth), buf_str(&proof)))
		return false;
	scram_signature(s->hash, &s->keys, buf_str(&s->auth), signature);
	buf_reset(ret);
	buf_add_c(ret, "v=");
	base64_encode(str_n((char *)signature, hmac_size(s->hash)), ret);
	return true;
}

static void
run_scram(const char *name, enum hmac_hash hash)
{
	struct server server = {.hash = hash};
	struct buf said;
	struct exchange x;

	/* Both sides prepare (RFC 5802 section 5.1): "ü" in two, a wide "2". */
	setup_with(&x, name, "a,b=cu\xcc\x88", "pencil\xc2\xb2");
	assert_true(step(&x, STR_NONE));
	server_first(&server, buf_str(&x.response), "a=2Cb=3Dc\xc3\xbc",
	    "pencil2", &said);
	assert_true(step(&x, buf_str(&said)));
	assert_true(server_final(&server, buf_str(&x.response), &said));
	assert_false(sasl_is_complete(x.s)); /* it could be anyone yet */
	assert_true(step(&x, buf_str(&said)));
	assert_int_equal(x.response.len, 0);
	assert_true(sasl_is_complete(x.s));
	buf_done(&said);
	buf_done(&server.auth);
	buf_done(&server.nonce);
	teardown(&x);
}

static void
test_scram(void **state)
{
	(void)state;
	run_scram("scram-sha-1", HMAC_SHA1);
	run_scram("SCRAM-SHA-256", HMAC_SHA256);
}

/* A server that does not know the password learns nothing, and is found. */
static void
test_scram_impostor(void **state)
{
	struct server server = {.hash = HMAC_SHA256};
	struct buf said;
	struct exchange x;

	(void)state;
	setup(&x, "SCRAM-SHA-256", "tim");
	assert_true(step(&x, STR_NONE));
	server_first(&server, buf_str(&x.response), "tim", "guess", &said);
	assert_true(step(&x, buf_str(&said)));
	assert_false(server_final(&server, buf_str(&x.response), &said));
	assert_false(
	    step(&x, STR("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	assert_false(sasl_is_complete(x.s));
	assert_false(step(&x, STR_NONE));
	buf_done(&said);
	buf_done(&server.auth);
	buf_done(&server.nonce);
	teardown(&x);
}

static void
test_scram_malformed(void **state)
{
	/* NONCE stands for ours. */
	static const char *const bad[] = {
	    "",
	    "r",
	    "r=",
	    "hello",
	    "r=NONCEx",
	    "r=NONCEx,s=c2FsdA==",
	    "r=NONCEx,s=c2FsdA==,i=",
	    "r=NONCEx,s=c2FsdA==,i=x",
	    "r=NONCEx,s=c2FsdA==,i=-1",
	    "r=NONCEx,s=c2FsdA==,i=0",
	    "r=NONCEx,s=c2FsdA==,i=4095",
	    "r=NONCEx,s=c2FsdA==,i=200001",
	    "r=NONCEx,s=c2FsdA==,i=99999999999999999999",
	    "r=NONCEx,s=c2FsdA=,i=4096",
	    "r=NONCEx,s=,i=4096",
	    "r=NONCE,s=c2FsdA==,i=4096",
	    "r=xNONCE,s=c2FsdA==,i=4096",
	    "r=other,s=c2FsdA==,i=4096",
	    "r=NONCE\x01x,s=c2FsdA==,i=4096",
	    "r=NONCE\xffx,s=c2FsdA==,i=4096",
	    "m=ext,r=NONCEx,s=c2FsdA==,i=4096",
	    "s=c2FsdA==,r=NONCEx,i=4096",
	    "e=unknown-user",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		BUF_CLEANUP struct buf challenge = {0};
		struct str head, tail, rest, nonce;
		struct exchange x;

		buf_init(&challenge, 1000);
		setup(&x, "SCRAM-SHA-256", "tim");
		assert_true(step(&x, STR_NONE));
		rest = str_from(buf_str(&x.response), strlen("n,,n=tim,"));
		assert_true(scram_take(&rest, 'r', &nonce));
		head = tail = str_c(bad[i]);
		ptrdiff_t at = str_find_str(head, STR("NONCE"));
		if (at >= 0) {
			head = str_sub(head, 0, (size_t)at);
			tail = str_from(tail, (size_t)at + strlen("NONCE"));
			buf_add_str(&challenge, head);
			buf_add_str(&challenge, nonce);
		}
		buf_add_str(&challenge, tail);
		assert_false(step(&x, buf_str(&challenge)));
		assert_true(strlen(x.why) > 0);
		assert_false(sasl_is_complete(x.s));
		teardown(&x);
	}
}

static void
test_last_word(void **state)
{
	static const char *const bad[] = {
	    "", "v=", "v=x", "e=other-error", "e=", "V=x", "ok"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct server server = {.hash = HMAC_SHA1};
		struct buf said;
		struct exchange x;

		setup(&x, "SCRAM-SHA-1", "tim");
		assert_true(step(&x, STR_NONE));
		server_first(
		    &server, buf_str(&x.response), "tim", "pencil", &said);
		assert_true(step(&x, buf_str(&said)));
		assert_false(step(&x, str_c(bad[i])));
		assert_false(sasl_is_complete(x.s));
		buf_done(&said);
		buf_done(&server.auth);
		buf_done(&server.nonce);
		teardown(&x);
	}
}

static void
test_bounds(void **state)
{
	char text[SASL_USER_MAX + 1];
	const struct sasl_mechanism *m;
	struct exchange x;

	(void)state;
	memset(text, ',', sizeof(text));
	for (size_t i = 0; (m = sasl_at(i)) != NULL; i++) {
		assert_null(sasl_new(m, STR_NONE, STR("x")));
		assert_null(sasl_new(m, STR("x"), STR_NONE));
		assert_null(sasl_new(m, STR("x\0y"), STR("x")));
		assert_null(sasl_new(m, STR("x"), STR("\0")));
		assert_null(sasl_new(m, str_n(text, sizeof(text)), STR("x")));
		assert_null(sasl_new(m, STR("x"), str_n(text, sizeof(text))));
		/* What is allowed fits into every response. */
		buf_init_secret(&x.response, SASL_RESPONSE_MAX);
		x.s = sasl_new(m, str_n(text, SASL_USER_MAX),
		    str_n(text, SASL_PASSWORD_MAX));
		assert_non_null(x.s);
		assert_true(
		    step(&x, sasl_speaks_first(m) ? STR_NONE : STR("x")));
		teardown(&x);
	}
}

static void
test_properties(void **state)
{
	unsigned bits;
	struct str bad;

	(void)state;
	assert_true(
	    sasl_properties(STR("noplaintext, noanonymous"), &bits, &bad));
	assert_int_equal(bits, SASL_NOPLAINTEXT | SASL_NOANONYMOUS);
	assert_true(sasl_properties(STR(" "), &bits, &bad));
	assert_int_equal(bits, 0);
	assert_false(sasl_properties(STR("noactive,no"), &bits, &bad));
	assert_str(bad, "no");
	assert_null(sasl_find(STR("NTLM")));
	assert_null(sasl_find(STR_NONE));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain),
    cmocka_unit_test(test_login),
    cmocka_unit_test(test_cram_md5),
    cmocka_unit_test(test_scram),
    cmocka_unit_test(test_scram_impostor),
    cmocka_unit_test(test_scram_malformed),
    cmocka_unit_test(test_last_word),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_properties),
};

TAP_RUN(tests)
