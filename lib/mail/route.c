/* SPDX-License-Identifier: ISC */
/*
 * route - where an address goes.  Owns the lists and tables that main.cf names
 * for it.  The order of the classes, and of the keys in transport_maps, is
 * Postfix's: mydestination, virtual_alias_domains, virtual_mailbox_domains,
 * relay_domains, the rest; user+ext@domain, user@domain, domain, .parent, *.
 */
#include "mail/route.h"

#include "base/log.h"
#include "mail/match.h"
#include "net/ip.h"

#include <stdlib.h>

struct router {
	const struct conf *conf;
	const struct dict_env *env;
	struct address_rule rule;
	struct match *local, *alias, *mailbox, *relay;
	struct maps *transports, *relayhosts;
	/* For router_known(), opened when it is first asked at the latest. */
	struct maps *known_local, *known_alias, *known_mailbox, *known_relay;
};

static bool
open_match(struct router *r, enum param p, struct match **ret, struct buf *why)
{
	*ret = match_open_param(r->env, r->conf, p, why);
	return *ret != NULL;
}

static bool
open_maps(struct router *r, enum param p, struct maps **ret, struct buf *why)
{
	if (*ret == NULL)
		*ret = maps_open(r->env, conf_str(r->conf, p), why);
	return *ret != NULL;
}

static bool
has_address(struct str list, const struct ip *ip)
{
	struct ip own;
	struct str word;

	while ((word = str_word(&list, ", \t\r\n")).len > 0)
		if ((ip_parse(word, &own) == 0 ||
			ip_parse_literal(word, &own) == 0) &&
		    ip_eq(ip, &own))
			return true;
	return false;
}

/* An address of this host: "[192.0.2.1]" where inet_interfaces or
 * proxy_interfaces names it, and loopback. */
static bool
is_own_literal(const struct router *r, struct str domain)
{
	const struct conf *c = r->conf;
	struct ip ip;

	if (ip_parse_literal(domain, &ip) < 0)
		return false;
	return ip_is_loopback(&ip) ||
	       has_address(conf_str(c, PARAM_inet_interfaces), &ip) ||
	       has_address(conf_str(c, PARAM_proxy_interfaces), &ip) ||
	       (conf_has_word(c, PARAM_inet_interfaces, STR("all")) &&
		   has_address(conf_interfaces(c), &ip));
}

static enum find
find_local(void *arg, struct str domain, struct arena *a)
{
	struct router *r = arg;

	if (domain.len == 0 || is_own_literal(r, domain))
		return FIND_YES;
	return match_domain(r->local, domain, a);
}

/* A domain whose users need no domain in a key: also myorigin. */
static enum find
find_nameless(void *arg, struct str domain, struct arena *a)
{
	struct router *r = arg;

	if (str_eq_case(domain, conf_str(r->conf, PARAM_myorigin)))
		return FIND_YES;
	return find_local(r, domain, a);
}

struct router *
router_new(const struct conf *c, const struct dict_env *env, struct buf *why)
{
	struct router *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory for a router");
	r->conf = c;
	r->env = env;
	r->rule = (struct address_rule){
	    .delimiters = conf_str(c, PARAM_recipient_delimiter),
	    .is_local = find_nameless,
	    .arg = r,
	};
	if (!open_match(r, PARAM_mydestination, &r->local, why) ||
	    !open_match(r, PARAM_virtual_alias_domains, &r->alias, why) ||
	    !open_match(r, PARAM_virtual_mailbox_domains, &r->mailbox, why) ||
	    !open_match(r, PARAM_relay_domains, &r->relay, why) ||
	    !open_maps(r, PARAM_transport_maps, &r->transports, why) ||
	    !open_maps(
		r, PARAM_sender_dependent_relayhost_maps, &r->relayhosts, why))
		router_free(&r);
	return r;
}

bool
router_open_known(struct router *r, struct buf *why)
{
	return open_maps(r, PARAM_local_recipient_maps, &r->known_local, why) &&
	       open_maps(r, PARAM_virtual_alias_maps, &r->known_alias, why) &&
	       open_maps(
		   r, PARAM_virtual_mailbox_maps, &r->known_mailbox, why) &&
	       open_maps(r, PARAM_relay_recipient_maps, &r->known_relay, why);
}

void
router_free(struct router **rp)
{
	struct router *r = *rp;

	if (r == NULL)
		return;
	match_free(&r->local);
	match_free(&r->alias);
	match_free(&r->mailbox);
	match_free(&r->relay);
	maps_free(&r->transports);
	maps_free(&r->relayhosts);
	maps_free(&r->known_local);
	maps_free(&r->known_alias);
	maps_free(&r->known_mailbox);
	maps_free(&r->known_relay);
	free(r);
	*rp = NULL;
}

const struct address_rule *
router_rule(const struct router *r)
{
	return &r->rule;
}

enum find
address_lookup(struct router *r, struct maps *m, struct addr addr,
    struct arena *a, struct str *ret_value)
{
	return address_find(&r->rule, m, addr, a, ret_value, NULL);
}

enum find
router_class(
    struct router *r, struct addr rcpt, struct arena *a, enum route_class *ret)
{
	struct match *const lists[] = {r->alias, r->mailbox, r->relay};
	static const enum route_class classes[] = {
	    ROUTE_VIRTUAL_ALIAS, ROUTE_VIRTUAL_MAILBOX, ROUTE_RELAY};
	enum find found = find_local(r, rcpt.domain, a);

	*ret = ROUTE_LOCAL;
	for (size_t i = 0; i < 3 && found == FIND_NO; i++) {
		*ret = classes[i];
		found = match_domain(lists[i], rcpt.domain, a);
	}
	if (found != FIND_NO)
		return found;
	*ret = ROUTE_DEFAULT;
	return FIND_YES;
}

/* "transport:nexthop", the latter possibly empty. */
static void
split_transport(
    struct str s, struct str *ret_transport, struct str *ret_nexthop)
{
	s = str_trim(s);
	str_cut(s, ':', ret_transport, ret_nexthop);
}

/* The host that takes what is for others: the sender's own, or everybody's;
 * empty: none. */
static enum find
find_relayhost(
    struct router *r, struct str sender, struct arena *a, struct str *ret)
{
	enum find found = FIND_NO;
	struct addr addr;

	*ret = conf_str(r->conf, PARAM_relayhost);
	if (maps_is_empty(r->relayhosts))
		return FIND_YES;
	if (sender.len == 0)
		found = maps_get(r->relayhosts,
		    conf_str(
			r->conf, PARAM_empty_address_relayhost_maps_lookup_key),
		    a, ret);
	else if (addr_parse(sender, &addr) == 0)
		found = address_lookup(r, r->relayhosts, addr, a, ret);
	if (found == FIND_YES && str_eq_case(*ret, STR("DUNNO")))
		*ret = STR_NONE;
	return found == FIND_NO ? FIND_YES : found;
}

/* What is set for the class, before transport_maps has its say: FIND_YES, or
 * as find_relayhost(). */
static enum find
route_by_class(struct router *r, struct route *route, struct str domain,
    struct str sender, struct arena *a)
{
	static const enum param transports[] = {
	    [ROUTE_LOCAL] = PARAM_local_transport,
	    [ROUTE_VIRTUAL_MAILBOX] = PARAM_virtual_transport,
	    [ROUTE_RELAY] = PARAM_relay_transport,
	    [ROUTE_DEFAULT] = PARAM_default_transport,
	};
	struct str relayhost;

	if (route->class == ROUTE_VIRTUAL_ALIAS) {
		route->transport = STR("error");
		route->nexthop =
		    STR("5.1.1 User unknown in virtual alias table");
		return FIND_YES;
	}
	split_transport(conf_str(r->conf, transports[route->class]),
	    &route->transport, &route->nexthop);
	if (route->nexthop.len > 0)
		return FIND_YES;
	route->nexthop = domain;
	if (route->class != ROUTE_RELAY && route->class != ROUTE_DEFAULT)
		return FIND_YES;
	enum find found = find_relayhost(r, sender, a, &relayhost);
	if (found == FIND_YES && relayhost.len > 0)
		route->nexthop = relayhost;
	return found;
}

/* The keys of transport_maps, one after the other. */
static enum find
find_transport(
    struct router *r, struct addr rcpt, struct arena *a, struct str *ret_value)
{
	struct maps *m = r->transports;
	struct str user, ext, name = rcpt.domain;
	enum find found = maps_get_part(m, rcpt.text, true, a, ret_value);
	ptrdiff_t dot;

	if (found == FIND_NO &&
	    addr_split_ext(rcpt.local, r->rule.delimiters, &user, &ext))
		found = maps_get_part(m,
		    arena_join(a, user, str_from(rcpt.text, rcpt.local.len)),
		    false, a, ret_value);
	/* The domain, then ".parent" again and again. */
	while (found == FIND_NO && name.len > 0) {
		found = maps_get_part(m, name, false, a, ret_value);
		dot = str_find(str_from(name, 1), '.');
		name = dot < 0 ? STR_NONE : str_from(name, (size_t)dot + 1);
	}
	if (found == FIND_NO)
		found = maps_get_part(m, STR("*"), false, a, ret_value);
	return found;
}

static void
apply_transport(const struct router *r, struct route *route, struct str value,
    struct str domain)
{
	struct str transport, nexthop;

	split_transport(value, &transport, &nexthop);
	if (transport.len == 0 && nexthop.len == 0)
		return; /* ":" - as if the table were not there */
	if (transport.len > 0) {
		route->transport = transport;
		route->nexthop = domain.len > 0
		                     ? domain
		                     : conf_str(r->conf, PARAM_myhostname);
	}
	if (nexthop.len > 0)
		route->nexthop = nexthop;
}

enum find
router_route(struct router *r, struct addr rcpt, struct str sender,
    struct arena *a, struct route *ret)
{
	struct route route = {.recipient = rcpt.text};
	enum find found = router_class(r, rcpt, a, &route.class);
	struct str value;

	if (found == FIND_YES)
		found = route_by_class(r, &route, rcpt.domain, sender, a);
	if (found != FIND_YES)
		return found;
	if (!maps_is_empty(r->transports)) {
		found = find_transport(r, rcpt, a, &value);
		if (found == FIND_YES)
			apply_transport(r, &route, value, rcpt.domain);
		else if (found != FIND_NO)
			return found;
	}
	route.transport = arena_str(a, route.transport);
	route.nexthop = arena_str(a, route.nexthop);
	route.recipient = arena_str(a, route.recipient);
	*ret = route;
	return FIND_YES;
}

/* Names that are always there: RFC 5321 section 4.5.1, and our own. */
static bool
is_always_known(const struct router *r, struct str local)
{
	return str_eq_case(local, STR("postmaster")) ||
	       str_eq_case(local, STR("mailer-daemon")) ||
	       str_eq_case(
		   local, conf_str(r->conf, PARAM_double_bounce_sender));
}

bool
route_ends(const struct route *route)
{
	return str_eq(route->transport, STR("error")) ||
	       str_eq(route->transport, STR("retry"));
}

enum find
router_known(
    struct router *r, struct addr address, struct arena *a, struct route *ret)
{
	enum find found = router_route(r, address, STR_NONE, a, ret);
	struct maps *known = NULL;
	struct str value;
	struct buf why;
	bool is_open;

	if (found != FIND_YES)
		return found;
	buf_init(&why, 1024);
	is_open = router_open_known(r, &why);
	buf_done(&why);
	if (!is_open)
		return FIND_BROKEN;
	found =
	    address_find(&r->rule, r->known_alias, address, a, &value, NULL);
	if (found != FIND_NO)
		return found;
	if (route_ends(ret))
		return FIND_NO;
	switch (ret->class) {
	case ROUTE_LOCAL:
		if (is_always_known(r, address.local))
			return FIND_YES;
		known = r->known_local;
		break;
	case ROUTE_VIRTUAL_MAILBOX:
		known = r->known_mailbox;
		break;
	case ROUTE_RELAY:
		known = r->known_relay;
		break;
	case ROUTE_VIRTUAL_ALIAS:
	case ROUTE_DEFAULT:
		return FIND_YES;
	}
	if (maps_is_empty(known))
		return FIND_YES;
	return address_find(&r->rule, known, address, a, &value, NULL);
}

const char *route_class_table(enum route_class class)
{
	switch (class) {
	case ROUTE_LOCAL:
		return "local recipient";
	case ROUTE_VIRTUAL_ALIAS:
		return "virtual alias";
	case ROUTE_VIRTUAL_MAILBOX:
		return "virtual mailbox";
	case ROUTE_RELAY:
		return "relay recipient";
	case ROUTE_DEFAULT:
		break;
	}
	return "recipient";
}
