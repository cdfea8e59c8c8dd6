/* SPDX-License-Identifier: ISC */
/* Conversations with keys: who gets what signed, and who does not. */
#include "scene.h"

static struct str
ticket_at(const struct client *cl, size_t i)
{
	assert_true(i < cl->held.tickets.n);
	return ((const struct keys_ticket *)cl->held.tickets.p)[i].secret;
}

static void
each_has_its_own(void)
{
	struct client a, b, c, nobody;
	struct str id_a, id_b;

	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	join(&c, "smtp/smtp", "");
	join(&nobody, "smtpd/elsewhere", "");
	assert_int_equal(a.held.chains.n, 1);
	assert_int_equal(b.held.chains.n, 1);
	assert_int_equal(c.held.chains.n, 0);
	assert_int_equal(nobody.held.chains.n, 0);
	assert_int_equal(nobody.held.tickets.n, 0);
	id_a = chain_at(&a, 0).key;
	id_b = chain_at(&b, 0).key;
	assert_int_equal(sign(&a, id_a, scene.one), KEYS_OK);
	assert_int_equal(sign(&b, id_b, scene.two), KEYS_OK);
	/* SECURITY: another service's key, and none at all. */
	assert_int_equal(sign(&a, id_b, scene.two), KEYS_NO_KEY);
	assert_int_equal(sign(&c, id_a, scene.one), KEYS_NO_KEY);
	assert_int_equal(sign(&nobody, id_a, scene.one), KEYS_NO_KEY);
	assert_int_equal(sign(&a, STR_NONE, scene.one), KEYS_NO_KEY);
	client_close(&a);
	client_close(&b);
	client_close(&c);
	client_close(&nobody);
}

static void
only_what_tls_signs(void)
{
	BUF_CLEANUP struct buf m = {0};
	struct client a;
	struct str id;

	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	buf_init(&m, KEYS_MESSAGE_MAX);
	/* SECURITY: a digest, the other role, anything. */
	for (size_t n = 0; n < 70; n++) {
		assert_int_equal(
		    ask_signature(&a, id, 0x0403, buf_str(&m), scene.one),
		    KEYS_REFUSED);
		buf_add_char(&m, 'd');
	}
	buf_reset(&m);
	made_message("client", 32, &m);
	assert_int_equal(ask_signature(&a, id, 0x0403, buf_str(&m), scene.one),
	    KEYS_REFUSED);
	buf_reset(&m);
	made_message("server", 32, &m);
	/* Schemes of other keys, of SHA-1, of nothing. */
	for (uint64_t scheme = 0; scheme < 0x0a00; scheme++)
		if (scheme != 0x0403 && scheme != 0x0503 && scheme != 0x0603)
			assert_int_equal(ask_signature(&a, id, scheme,
					     buf_str(&m), scene.one),
			    KEYS_REFUSED);
	client_close(&a);
}

static void
rsa_by_version(void)
{
	BUF_CLEANUP struct buf m = {0};
	const struct keys_source *source = scene.rows[1].sources.p;
	struct keys_file *file = source->files.p, was = *file;
	struct client b;
	struct str id;

	write_chain("rsa", scene.rsa, scene.rsa, MADE_DAY);
	file->path = str_c(path_of("rsa"));
	load();
	join(&b, "smtpd/submission", "");
	id = chain_at(&b, 0).key;
	buf_init(&m, 1000);
	made_message("server", 48, &m);
	assert_int_equal(
	    ask_signature(&b, id, 0x0804, buf_str(&m), scene.rsa), KEYS_OK);
	assert_int_equal(ask_signature(&b, id, 0x0401, buf_str(&m), scene.rsa),
	    KEYS_REFUSED);
	buf_reset(&m);
	for (int i = 0; i < 64; i++)
		buf_add_char(&m, (char)i);
	buf_add(&m, "\3\0\35\40", 4); /* x25519 */
	for (int i = 0; i < 32; i++)
		buf_add_char(&m, (char)i);
	assert_int_equal(
	    ask_signature(&b, id, 0x0401, buf_str(&m), scene.rsa), KEYS_OK);
	assert_int_equal(
	    ask_signature(&b, id, 0x0804, buf_str(&m), scene.rsa), KEYS_OK);
	client_close(&b);
	*file = was;
	load();
}

static void
so_many_a_second(void)
{
	struct client a;
	struct str id;
	int made = 0;

	scene.rows[0].rate = 20;
	load();
	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	for (int i = 0; i < 100; i++)
		made += sign(&a, id, scene.one) == KEYS_OK;
	assert_true(made >= 20 && made < 100);
	assert_int_equal(sign(&a, id, scene.one), KEYS_BUSY);
	/* Another conversation is no other service. */
	client_close(&a);
	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	assert_int_equal(sign(&a, id, scene.one), KEYS_BUSY);
	client_close(&a);
	scene.rows[0].rate = 0;
	load();
}

static void
tickets(void)
{
	struct client a, same, bound, b;

	join(&a, "smtpd/smtp", "x");
	join(&same, "smtpd/smtp", "x");
	join(&bound, "smtpd/smtp", "y");
	join(&b, "smtpd/submission", "x");
	assert_int_equal(a.held.ticket_life, HOUR);
	assert_true(str_eq(ticket_at(&a, 0), ticket_at(&same, 0)));
	assert_false(str_eq(ticket_at(&a, 0), ticket_at(&bound, 0)));
	assert_false(str_eq(ticket_at(&a, 0), ticket_at(&b, 0)));
	client_close(&a);
	client_close(&same);
	client_close(&bound);
	client_close(&b);
}

/* SECURITY: who says what only keys says is not talked with.  A signature may
 * be asked for on a conversation that has only begun: the one before broke. */
static void
out_of_turn(void)
{
	struct keys_held held = {0};
	struct keys_join again = {0};
	char bytes[KEYS_ID];
	struct client a;
	struct parcel p;

	join(&a, "smtpd/smtp", "");
	memcpy(bytes, chain_at(&a, 0).key.p, KEYS_ID);
	call(&a, KEYS_JOIN, &again, KEYS_HELD, &p);
	parcel_done(&p);
	client_close(&a);
	client_open(&a, "smtpd/smtp");
	assert_int_equal(sign(&a, str_n(bytes, KEYS_ID), scene.one), KEYS_OK);
	chan_send(a.chan, KEYS_HELD, 1, &held, NULL, 0);
	let_run();
	assert_true(a.is_closed);
	client_close(&a);
}

/* Without any certificate a server has its own, a client none. */
static void
its_own(void)
{
	struct keys_service was = scene.rows[0];
	struct client a, b, c;

	scene.rows[0].sources.n = 0;
	scene.rows[0].own = scene.rows[1].own = 1;
	load();
	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	join(&c, "smtp/smtp", "");
	assert_int_equal(a.held.chains.n, 1);
	assert_int_equal(c.held.chains.n, 0);
	assert_false(str_eq(chain_at(&a, 0).key, chain_at(&b, 0).key));
	assert_int_equal(
	    sign(&a, chain_at(&a, 0).key, scene.talks.services.own.at[0]->key),
	    KEYS_OK);
	client_close(&a);
	client_close(&b);
	client_close(&c);
	scene.rows[0] = was;
	load();
}

static void
run_all(void)
{
	each_has_its_own();
	only_what_tls_signs();
	rsa_by_version();
	so_many_a_second();
	tickets();
	out_of_turn();
	its_own();
}

static void
conversations(void **state)
{
	(void)state;
	scene_test(run_all);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(conversations, scene_remove),
};

TAP_RUN(tests)
