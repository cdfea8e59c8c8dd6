/* SPDX-License-Identifier: ISC */
/*
 * relay - who may send where: trusted clients, and destinations that are
 * ours to receive for.
 */
#include "ccert.h"
#include "check.h"

#include "mail/addr.h"
#include "mail/match.h"
#include "mail/route.h"

static enum verdict
permit_if(struct check *c, enum find found)
{
	switch (found) {
	case FIND_YES:
		return VERDICT_PERMIT;
	case FIND_NO:
		return VERDICT_DUNNO;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return check_refuse_lookup(c, check_subject(c));
}

/*
 * SECURITY: an address whose local part names a further destination
 * ("user%there@here", "there!user@here", "\"user@there\"@here") may be
 * relayed on by the host that relay_domains lets us pass it to: it is no
 * destination of ours (allow_untrusted_routing = no).
 */
static bool
is_routed(struct str local)
{
	return str_has_char(local, '@') || str_has_char(local, '%') ||
	       str_has_char(local, '!');
}

enum find
relay_find_ours(struct check *c)
{
	enum route_class class;
	enum find found =
	    router_class(c->s->server->router, *c->recipient, c->a, &class);

	if (found != FIND_YES)
		return found;
	switch (class) {
	case ROUTE_LOCAL:
	case ROUTE_VIRTUAL_ALIAS:
	case ROUTE_VIRTUAL_MAILBOX:
		return FIND_YES;
	case ROUTE_RELAY:
		return is_routed(c->recipient->local) ? FIND_NO : FIND_YES;
	case ROUTE_DEFAULT:
		break;
	}
	return FIND_NO;
}

static enum verdict
refuse_unauth(struct check *c, unsigned code)
{
	if (c->recipient == NULL)
		return VERDICT_DUNNO;
	switch (relay_find_ours(c)) {
	case FIND_YES:
		return VERDICT_DUNNO;
	case FIND_NO:
		return check_refuse(c, code, "5.7.1",
		    "<%.*s>: Relay access denied", STR_ARG(c->recipient->text));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return check_refuse_lookup(c, SUBJECT_RECIPIENT);
}

static enum verdict
refuse_pipelining(struct check *c)
{
	if (!c->s->is_pipelining_ill)
		return VERDICT_DUNNO;
	return check_refuse_about(c, 503, STR("5.5.0"), check_subject(c),
	    STR("Improper use of SMTP command pipelining"));
}

/* A notification goes to one sender of one message (RFC 5321 section 6.1). */
static enum verdict
refuse_multi_bounce(struct check *c)
{
	const struct session *s = c->s;
	size_t n = s->txn.recipients + (c->recipient != NULL ? 1 : 0);

	if (!s->txn.has_sender || !addr_is_null(s->txn.sender) || n < 2)
		return VERDICT_DUNNO;
	return check_refuse_about(c,
	    (unsigned)conf_int(
		s->server->conf, PARAM_multi_recipient_bounce_reject_code),
	    STR("5.5.3"), check_subject(c), STR("Multi-recipient bounce"));
}

enum verdict
relay_check(struct check *c, enum restriction what)
{
	const struct server *server = c->s->server;

	if (what == RESTRICTION_permit_mynetworks)
		return permit_if(
		    c, match_ip(server->mynetworks, &c->s->client.ip, c->a));
	if (what == RESTRICTION_permit_inet_interfaces)
		return c->s->is_own ? VERDICT_PERMIT : VERDICT_DUNNO;
	if (what == RESTRICTION_permit_sasl_authenticated)
		return session_has_login(c->s) ? VERDICT_PERMIT : VERDICT_DUNNO;
	if (what == RESTRICTION_permit_tls_clientcerts)
		return permit_if(c, ccert_is_known(c->s, c->a));
	if (what == RESTRICTION_permit_tls_all_clientcerts)
		return ccert_is_trusted(c->s) ? VERDICT_PERMIT : VERDICT_DUNNO;
	if (what == RESTRICTION_permit_auth_destination)
		return c->recipient == NULL ? VERDICT_DUNNO
		                            : permit_if(c, relay_find_ours(c));
	if (what == RESTRICTION_reject_unauth_destination)
		return refuse_unauth(c, (unsigned)conf_int(server->conf,
					    PARAM_relay_domains_reject_code));
	if (what == RESTRICTION_defer_unauth_destination)
		return refuse_unauth(c, 454);
	if (what == RESTRICTION_reject_unauth_pipelining)
		return refuse_pipelining(c);
	if (what == RESTRICTION_reject_multi_recipient_bounce)
		return refuse_multi_bounce(c);
	if (what == RESTRICTION_reject_plaintext_session && c->s->is_tls)
		return VERDICT_DUNNO;
	if (what == RESTRICTION_reject_plaintext_session)
		return check_refuse_about(c,
		    (unsigned)conf_int(
			server->conf, PARAM_plaintext_reject_code),
		    STR("4.7.1"), check_subject(c),
		    STR("Session encryption is required"));
	if (what == RESTRICTION_reject_sender_login_mismatch ||
	    what == RESTRICTION_reject_authenticated_sender_login_mismatch ||
	    what == RESTRICTION_reject_known_sender_login_mismatch ||
	    what == RESTRICTION_reject_unauthenticated_sender_login_mismatch)
		return login_check(c, what);
	return names_check(c, what);
}
