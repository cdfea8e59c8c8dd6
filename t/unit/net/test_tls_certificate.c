/* SPDX-License-Identifier: ISC */
/* Certificates: which of them is shown, what of the other side's is told. */
#include "tls_ends.h"

#include <errno.h>
#include <string.h>

/* An ends_identity of two keys shows the one that the client understands. */
static void
test_two_keys(void **state)
{
	struct tls_context *server =
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	static const char *const ciphers[] = {
	    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"};
	static const char *const names[] = {"rsa.example", "p256.example"};
	struct pair_signer rsa, ec;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 4096);
	ends_identify(&rsa, made.rsa, &made.rsa_pem);
	pair_signer_init(&ec, made.p256);
	assert_int_equal(tls_identity_add(ends_identity,
			     buf_str(&made.p256_pem), &ec.signer, &why),
	    0);
	for (int i = 0; i < 2; i++) {
		struct tls_context *client = ends_context((struct tls_settings){
		    .role = TLS_CLIENT, .grade = {0, TLS_1_2, ciphers[i]}});
		struct pair p;

		pair_init(&p, server, client);
		pair_run(&p);
		assert_talked(&p);
		assert_string_equal(
		    tls_info(&p.client.stream)->subject, names[i]);
		pair_done(&p);
		tls_context_free(&client);
	}
	assert_int_equal(rsa.nsigned, 1);
	assert_int_equal(ec.nsigned, 1);
	/* The same type again replaces. */
	pair_signer_init(&rsa, made.rsa);
	assert_int_equal(tls_identity_add(ends_identity, buf_str(&made.rsa_pem),
			     &rsa.signer, &why),
	    0);
	assert_int_equal(rsa.nfreed, 1);
	tls_context_free(&server);
	tls_identity_free(&ends_identity);
	assert_int_equal(rsa.nfreed, 2);
}

/* What is no chain is refused, and its signer let go. */
static void
test_bad_chains(void **state)
{
	static const struct str bad[] = {STR(""), STR("x"),
	    STR("-----BEGIN CERTIFICATE-----\n"),
	    STR("-----BEGIN CERTIFICATE-----\nAAAA\n"
		"-----END CERTIFICATE-----\n")};
	struct tls_identity *id = tls_identity_new();
	struct pair_signer signer;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_reset(&why);
		pair_signer_init(&signer, made.rsa);
		assert_int_equal(
		    tls_identity_add(id, bad[i], &signer.signer, &why),
		    -EINVAL);
		assert_int_not_equal(why.len, 0);
		assert_int_equal(signer.nfreed, 1);
	}
	tls_identity_free(&id);
}

/* A client's certificate: asked for or not, there or not, known or not. */
static void
check_client(enum tls_peer peer, bool shows, struct str ca, int version)
{
	struct tls_context *server = ends_context(
	    (struct tls_settings){.role = TLS_SERVER, .peer = peer, .ca = ca});
	struct tls_context *client =
	    ends_context((struct tls_settings){.role = TLS_CLIENT,
		.grade = {.max = version},
		.identify = shows ? ends_identify_by : NULL});
	struct pair_signer signer;
	const struct tls_info *info;
	char print[TLS_FINGERPRINT_SIZE];
	struct pair p;

	ends_identify(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	pair_run(&p);
	info = tls_info(&p.server.stream);
	if (peer == TLS_PEER_REQUIRE && !shows) {
		assert_int_equal(p.server.r, -EPROTO);
		assert_non_null(strstr(p.server.why.p, "did not return a"));
		assert_null(info);
	} else {
		assert_talked(&p);
		assert_int_equal(info->asked_cert, peer != TLS_PEER_NONE);
		assert_int_equal(
		    info->has_cert, shows && peer != TLS_PEER_NONE);
	}
	if (info != NULL && info->has_cert) {
		assert_int_equal(info->is_trusted, ca.len > 0);
		if (ca.len > 0)
			assert_null(info->not_trusted_why);
		else
			assert_string_equal(
			    info->not_trusted_why, "self-signed certificate");
		assert_string_equal(info->subject, "p256.example");
		assert_string_equal(info->issuer, "p256.example");
		assert_int_equal(signer.nsigned, 2);
		assert_int_equal(tls_fingerprint(&p.server.stream, TLS_OF_CERT,
				     "sha256", print),
		    0);
		assert_int_equal(strlen(print), 32 * 3 - 1);
	} else if (info != NULL) {
		assert_int_equal(tls_fingerprint(&p.server.stream, TLS_OF_CERT,
				     "sha256", print),
		    -ENOENT);
	}
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&ends_identity);
}

static void
test_client_certificates(void **state)
{
	struct str ca = buf_str(&made.p256_pem);

	(void)state;
	for (int v = TLS_1_2; v <= TLS_1_3; v++)
		for (int shows = 0; shows < 2; shows++) {
			check_client(TLS_PEER_NONE, shows, STR_NONE, v);
			check_client(TLS_PEER_ASK, shows, STR_NONE, v);
			check_client(TLS_PEER_ASK, shows, ca, v);
			check_client(TLS_PEER_REQUIRE, shows, ca, v);
		}
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		bool is_for;
	} names[] = {{"mx.example", true}, {"MX.Example", true},
	    {"x.mx.example", false}, {"p256.example", false}, {"", false},
	    {"a.wild.example", true}, {"a.b.wild.example", false},
	    {"wild.example", false}, {".example", true}, {".other", false}};
	struct tls_context *server =
	    ends_context((struct tls_settings){.role = TLS_SERVER});
	struct tls_context *client = ends_context((struct tls_settings){
	    .role = TLS_CLIENT, .ca = buf_str(&made.p256_pem)});
	char print[TLS_FINGERPRINT_SIZE], of_key[TLS_FINGERPRINT_SIZE];
	struct pair_signer signer;
	struct stream *s;
	struct pair p;

	(void)state;
	ends_identify(&signer, made.p256, &made.p256_pem);
	pair_init(&p, server, client);
	pair_run(&p);
	assert_talked(&p);
	s = &p.client.stream;
	assert_true(tls_info(s)->is_trusted);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (tls_has_name(s, names[i].name) != names[i].is_for)
			fail_msg("%s", names[i].name);
	assert_false(tls_has_name(&p.server.stream, "mx.example"));
	assert_int_equal(tls_fingerprint(s, TLS_OF_CERT, "sha512", print), 0);
	assert_int_equal(strlen(print), 64 * 3 - 1);
	assert_int_equal(tls_fingerprint(s, TLS_OF_KEY, "sha512", of_key), 0);
	assert_string_not_equal(print, of_key);
	assert_int_equal(tls_fingerprint(s, TLS_OF_KEY, "md9", print), -EINVAL);
	pair_done(&p);
	tls_context_free(&server);
	tls_context_free(&client);
	tls_identity_free(&ends_identity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_keys),
	    cmocka_unit_test(test_bad_chains),
	    cmocka_unit_test(test_client_certificates),
	    cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
