/* SPDX-License-Identifier: ISC */
/*
 * cmd_helo - HELO and EHLO (RFC 5321 section 4.1.1.1): who the client says
 * it is, and what we offer.
 */
#include "command.h"

#include "check.h"
#include "reply.h"
#include "session.h"

/* One word, the first; what stands behind it is of no use to anyone. */
static bool
take_name(struct session *s, struct str args, const char *syntax)
{
	struct str name = str_word(&args, " \t");

	if (name.len == 0 || name.len > SESSION_HELO_MAX) {
		reply(s, "501 5.5.4 Syntax: %s hostname", syntax);
		return false;
	}
	session_reset(s);
	buf_reset(&s->helo);
	buf_add_str(&s->helo, name);
	return true;
}

static bool
judge(struct session *s)
{
	struct check c;

	if (check_helo(&c, s))
		return true;
	buf_reset(&s->helo);
	check_reply(&c);
	return false;
}

void
cmd_helo(struct session *s, struct str args)
{
	if (!take_name(s, args, "HELO"))
		return;
	s->esmtp = false;
	if (judge(s))
		reply_line(s, 250, true, s->server->hostname);
}

static bool
is_discarded(const struct session *s, struct str keyword)
{
	return conf_has_word(
	    s->server->conf, PARAM_smtpd_discard_ehlo_keywords, keyword);
}

bool
command_takes_dsn(struct session *s)
{
	if (!is_discarded(s, STR("DSN")))
		return true;
	reply(s, "501 5.7.1 DSN support is disabled");
	return false;
}

/* What stands behind AUTH; empty: it is not offered. */
static struct str
auth_mechanisms(struct session *s)
{
	const struct server *server = s->server;

	if (!command_offers_auth(s) ||
	    match_ip(server->no_auth_clients, &s->client.ip, &s->scratch) !=
		FIND_NO)
		return STR_NONE;
	return dovecot_mechanisms(server->dovecot, s->is_tls, &s->scratch);
}

/* "AUTH PLAIN", and "AUTH=PLAIN" for those who wait for that. */
static size_t
offer_auth(struct session *s, struct str *offers)
{
	struct str list = auth_mechanisms(s);

	if (list.len == 0)
		return 0;
	offers[0] = arena_join(&s->scratch, STR("AUTH "), list);
	if (!conf_bool(s->server->conf, PARAM_broken_sasl_auth_clients))
		return 1;
	offers[1] = arena_join(&s->scratch, STR("AUTH="), list);
	return 2;
}

/* The extensions, in the order that Postfix names them. */
static void
offer(struct session *s)
{
	static const char *const words[] = {"PIPELINING", "SIZE", "VRFY",
	    "STARTTLS", "AUTH", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN"};
	const struct server *server = s->server;
	struct str offers[sizeof(words) / sizeof(words[0]) + 1];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct str word = str_c(words[i]);

		if (is_discarded(s, word))
			continue;
		if (str_eq(word, STR("AUTH"))) {
			n += offer_auth(s, &offers[n]);
			continue;
		}
		if (str_eq(word, STR("VRFY")) &&
		    conf_bool(server->conf, PARAM_disable_vrfy_command))
			continue;
		if (str_eq(word, STR("STARTTLS")) &&
		    (!starttls_is_offered(s) ||
			!starttls_has_identity(&server->starttls)))
			continue;
		if (str_eq(word, STR("SIZE")))
			word = arena_strf(&s->scratch, "SIZE %llu",
			    (unsigned long long)server->size_max);
		offers[n++] = word;
	}
	reply_line(s, 250, n == 0, server->hostname);
	for (size_t i = 0; i < n; i++)
		reply_line(s, 250, i + 1 == n, offers[i]);
}

void
cmd_ehlo(struct session *s, struct str args)
{
	if (!take_name(s, args, "EHLO"))
		return;
	s->esmtp = true;
	if (judge(s))
		offer(s);
}
