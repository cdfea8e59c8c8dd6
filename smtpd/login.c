/* SPDX-License-Identifier: ISC */
/*
 * login - who may send as whom: smtpd_sender_login_maps names for an address
 * the logins that own it.
 */
#include "check.h"

#include "mail/address.h"
#include "mail/route.h"

/* Is the user among them?  Commas and blanks between. */
static bool
is_owner(struct str owners, struct str user)
{
	struct str name;

	while ((name = str_word(&owners, ", \t\r\n")).len > 0)
		if (str_eq_case(name, user))
			return true;
	return false;
}

static enum verdict
refuse(struct check *c, const char *why, struct str who)
{
	return check_refuse(c, 553, "5.7.1",
	    "<%.*s>: Sender address rejected: %s%.*s",
	    STR_ARG(c->s->txn.sender.text), why, STR_ARG(who));
}

/* An address that nobody owns: may one who has logged in use it? */
enum unowned {
	UNOWNED_IS_FREE,
	UNOWNED_IS_REFUSED,
};

static enum verdict
judge_login(
    struct check *c, enum find found, struct str owners, enum unowned unowned)
{
	struct str user = c->s->login.user;

	if (found == FIND_YES && is_owner(owners, user))
		return VERDICT_DUNNO;
	if (found == FIND_NO && unowned == UNOWNED_IS_FREE)
		return VERDICT_DUNNO;
	return refuse(c, "not owned by user ", user);
}

enum verdict
login_check(struct check *c, enum restriction what)
{
	const struct session *s = c->s;
	const struct server *server = s->server;
	bool has_login = s->login.user.len > 0;
	struct str owners = STR_NONE;
	enum find found;

	if (server->dovecot == NULL || maps_is_empty(server->login_maps) ||
	    !s->txn.has_sender || addr_is_null(s->txn.sender))
		return VERDICT_DUNNO;
	if (what ==
	    (has_login
		    ? RESTRICTION_reject_unauthenticated_sender_login_mismatch
		    : RESTRICTION_reject_authenticated_sender_login_mismatch))
		return VERDICT_DUNNO;
	found = address_find(router_rule(server->router), server->login_maps,
	    s->txn.sender, c->a, &owners, NULL);
	switch (found) {
	case FIND_YES:
	case FIND_NO:
		break;
	case FIND_RETRY:
	case FIND_BROKEN:
		return check_refuse_lookup(c, SUBJECT_SENDER);
	}
	if (has_login)
		return judge_login(c, found, owners,
		    what == RESTRICTION_reject_known_sender_login_mismatch
			? UNOWNED_IS_FREE
			: UNOWNED_IS_REFUSED);
	return found == FIND_YES ? refuse(c, "not logged in", STR_NONE)
	                         : VERDICT_DUNNO;
}
