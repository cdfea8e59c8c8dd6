/* SPDX-License-Identifier: ISC */
/*
 * listed - is there such a user?  Unknown ones are refused at RCPT, because
 * what is accepted and bounced later goes to a sender who may be forged.
 */
#include "check.h"

#include "mail/route.h"

static enum param code_param(enum route_class class)
{
	switch (class) {
	case ROUTE_VIRTUAL_ALIAS:
		return PARAM_unknown_virtual_alias_reject_code;
	case ROUTE_VIRTUAL_MAILBOX:
		return PARAM_unknown_virtual_mailbox_reject_code;
	case ROUTE_RELAY:
		return PARAM_unknown_relay_recipient_reject_code;
	case ROUTE_LOCAL:
	case ROUTE_DEFAULT:
		break;
	}
	return PARAM_unknown_local_recipient_reject_code;
}

static enum verdict
refuse_unknown(struct check *c, enum route_class class, enum subject about)
{
	const struct conf *conf = c->s->server->conf;
	unsigned code = (unsigned)conf_int(conf, code_param(class));
	bool name_table = conf_bool(conf, PARAM_show_user_unknown_table_name);
	struct str text = STR("User unknown");

	if (name_table)
		text = arena_strf(
		    c->a, "User unknown in %s table", route_class_table(class));
	return check_refuse_about(c, code, STR("5.1.1"), about, text);
}

/* The site says itself that nothing is delivered there, and why. */
static enum verdict
refuse_ended(struct check *c, const struct route *route, enum subject about)
{
	bool is_error = str_eq(route->transport, STR("error"));

	return check_refuse_text(
	    c, is_error ? 550 : 450, STR("5.1.1"), about, route->nexthop);
}

enum verdict
listed_check(struct check *c, const struct addr *who, enum subject about)
{
	struct route route;

	if (who == NULL || addr_is_null(*who))
		return VERDICT_DUNNO;
	switch (router_known(c->s->server->router, *who, c->a, &route)) {
	case FIND_YES:
		return VERDICT_DUNNO;
	case FIND_NO:
		if (route.class != ROUTE_VIRTUAL_ALIAS && route_ends(&route))
			return refuse_ended(c, &route, about);
		return refuse_unknown(c, route.class, about);
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return check_refuse_lookup(c, about);
}
