/* SPDX-License-Identifier: ISC */
/* Tickets: by which keys and for which service a session is taken up again. */
#include "tls_ends.h"

#include <string.h>

/* One connection with a session, or without: was it taken up? */
static bool
is_taken_up(struct tls_context *server, struct tls_context *client,
    struct tls_session *old, struct tls_session **ret_new)
{
	struct pair p;
	bool is_reused;

	pair_init(&p, server, client);
	p.client.ask.session = old;
	pair_run(&p);
	assert_talked(&p);
	is_reused = tls_info(&p.server.stream)->is_reused;
	assert_int_equal(tls_info(&p.client.stream)->is_reused, is_reused);
	if (ret_new != NULL) {
		*ret_new = p.client.session;
		p.client.session = NULL;
	}
	pair_done(&p);
	return is_reused;
}

static void
test_sessions(void **state)
{
	struct tls_ticket_key keys[2];
	struct tls_context *server[2], *other;
	struct pair_signer signer;

	(void)state;
	memset(&keys[0], 'a', sizeof(keys[0]));
	memset(&keys[1], 'b', sizeof(keys[1]));
	ends_identify(&signer, made.p256, &made.p256_pem);
	for (int i = 0; i < 2; i++)
		server[i] = ends_context((struct tls_settings){
		    .role = TLS_SERVER, .service = STR("smtp")});
	other = ends_context((struct tls_settings){
	    .role = TLS_SERVER, .service = STR("submission")});
	for (int v = TLS_1_2; v <= TLS_1_3; v++) {
		struct tls_context *client = ends_context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {.max = v}});
		struct tls_session *session, *none;

		/* No keys, no tickets. */
		tls_context_tickets(server[0], NULL, 0, 0);
		assert_false(is_taken_up(server[0], client, NULL, &none));
		assert_null(none);

		tls_context_tickets(server[0], &keys[1], 1, 3600);
		assert_false(is_taken_up(server[0], client, NULL, &session));
		assert_non_null(session);
		/* Another process of the service, after a rotation. */
		tls_context_tickets(server[1], keys, 2, 3600);
		assert_true(is_taken_up(server[1], client, session, NULL));
		/* After the next one. */
		tls_context_tickets(server[1], &keys[0], 1, 3600);
		assert_false(is_taken_up(server[1], client, session, NULL));
		/* Another service, were it to have the same keys. */
		tls_context_tickets(other, keys, 2, 3600);
		assert_false(is_taken_up(other, client, session, NULL));
		tls_session_free(&session);
		tls_context_free(&client);
	}
	tls_context_free(&server[0]);
	tls_context_free(&server[1]);
	tls_context_free(&other);
	tls_identity_free(&ends_identity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sessions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
