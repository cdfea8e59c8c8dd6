/* SPDX-License-Identifier: ISC */
/* policy_request - what a policy server is told, in the order and by the names
 * of Postfix's SMTPD_POLICY_README. */
#include "policy.h"

#include "ccert.h"
#include "check.h"
#include "session.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* SECURITY: no value ends its line, whatever a client said. */
static void
add(struct buf *out, const char *name, struct str value)
{
	size_t at;

	buf_addf(out, "%s=", name);
	at = out->len;
	buf_add_str(out, value);
	for (; at < out->len; at++)
		if ((unsigned char)out->p[at] < ' ' || out->p[at] == 0x7f)
			out->p[at] = '?';
	buf_add_char(out, '\n');
}

static void
add_number(struct buf *out, const char *name, uint64_t n)
{
	buf_addf(out, "%s=%" PRIu64 "\n", name, n);
}

static void
add_client(const struct session *s, struct buf *out)
{
	const struct client *c = &s->client;
	char text[IP_TEXT_MAX] = "";
	uint16_t port = 0;
	struct ip ip;

	if (session_local(s, &ip, &port))
		ip_format(&ip, text);
	add(out, "client_address", c->address);
	add(out, "client_name", c->name);
	add_number(out, "client_port", c->port);
	add(out, "reverse_client_name", c->reverse);
	add(out, "server_address", str_c(text));
	add_number(out, "server_port", port);
}

/* The recipient count is told when there will be no more of them. */
static void
add_transaction(const struct check *c, struct buf *out)
{
	const struct session *s = c->s;
	const struct transaction *t = &s->txn;
	bool is_after = c->list == RULES_DATA || c->list == RULES_END;

	add(out, "helo_name", buf_str(&s->helo));
	add(out, "sender", t->sender.text);
	add(out, "recipient", check_name(c, SUBJECT_RECIPIENT));
	add_number(out, "recipient_count", is_after ? t->recipients : 0);
	add(out, "queue_id",
	    t->intake != NULL ? intake_id(t->intake) : STR_NONE);
	buf_addf(
	    out, "instance=%x.%" PRIx64 "\n", (unsigned)getpid(), t->instance);
	add_number(
	    out, "size", c->list == RULES_END ? s->data_bytes : t->params.size);
}

/* A certificate that nobody vouches for says nothing of who the client is,
 * only its fingerprints do. */
static void
add_tls(const struct session *s, struct arena *a, struct buf *out)
{
	static const struct tls_info none = {.protocol = "", .cipher = ""};
	const struct tls_info *tls = tls_info(&s->stream);
	bool is_trusted = ccert_is_trusted(s);

	if (tls == NULL)
		tls = &none;
	add(out, "ccert_subject", str_c(is_trusted ? tls->subject : NULL));
	add(out, "ccert_issuer", str_c(is_trusted ? tls->issuer : NULL));
	add(out, "ccert_fingerprint", ccert_print(s, TLS_OF_CERT, a));
	add(out, "ccert_pubkey_fingerprint", ccert_print(s, TLS_OF_KEY, a));
	add(out, "encryption_protocol", str_c(tls->protocol));
	add(out, "encryption_cipher", str_c(tls->cipher));
	add_number(out, "encryption_keysize", (uint64_t)tls->bits);
}

void
policy_describe(const struct check *c, const struct policy *p, struct buf *out)
{
	const struct session *s = c->s;
	const struct server *server = s->server;
	bool is_stressed = server_bounds(server) == &server->stressed;

	buf_add_c(out, "request=smtpd_access_policy\n");
	add(out, "protocol_state", str_c(s->where));
	add(out, "protocol_name", str_c(session_proto(s)));
	add_client(s, out);
	add_transaction(c, out);
	add(out, "etrn_domain", STR_NONE);
	add(out, "stress", is_stressed ? STR("yes") : STR_NONE);
	add(out, "sasl_method", s->login.method);
	add(out, "sasl_username", s->login.user);
	add(out, "sasl_sender", s->txn.params.auth);
	add_tls(s, c->a, out);
	add(out, "policy_context", policy_context(p));
	add(out, "compatibility_level",
	    conf_str(server->conf, PARAM_compatibility_level));
	add(out, "mail_version", conf_str(server->conf, PARAM_mail_version));
	buf_add_char(out, '\n');
}
