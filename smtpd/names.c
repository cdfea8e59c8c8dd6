/* SPDX-License-Identifier: ISC */
/*
 * names - rules about the names that a client gives: of itself by reverse
 * look-up and HELO, and of domains in addresses.
 */
#include "check.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/ask.h"
#include "mail/route.h"
#include "net/ip.h"

static unsigned
code_of(const struct check *c, enum param p)
{
	return (unsigned)conf_int(c->s->server->conf, p);
}

static bool
is_ip(struct str name)
{
	struct ip ip;

	return ip_parse(name, &ip) == 0;
}

/* "example.com", "example.com."; not "localhost", not "192.0.2.1". */
static bool
is_fqdn(struct str name)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return addr_is_domain(name) && str_has_char(name, '.') && !is_ip(name);
}

/* Has the name records of one of `types`?  NO only when it has none of any. */
static enum find
find_any(struct check *c, struct str name, const enum dns_type *types, size_t n,
    struct dns_answer *ret)
{
	enum find worst = FIND_NO;

	for (size_t i = 0; i < n; i++) {
		enum find found =
		    ask_dns(c->s->server->dns, name, types[i], c->a, ret);

		if (found == FIND_YES)
			return FIND_YES;
		if (found != FIND_NO)
			worst = FIND_RETRY;
		if (found == FIND_NO && ret->nxdomain)
			return worst;
	}
	return worst;
}

/* RFC 7505: "MX 0 ." is a domain that neither sends nor takes mail. */
static bool
is_null_mx(const struct dns_answer *answer)
{
	if (answer->records.n != 1)
		return false;
	return ask_dns_record(answer, 0)->type == DNS_MX &&
	       ask_dns_record(answer, 0)->data.len == 0;
}

static enum verdict
refuse_unknown_domain(struct check *c, struct addr addr, enum subject about)
{
	static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA};
	struct str dsn = about == SUBJECT_SENDER ? STR("4.1.8") : STR("4.1.2");
	struct dns_answer answer;
	enum route_class class;
	enum find found;

	if (addr.domain.len == 0 || addr_is_literal(addr.domain))
		return VERDICT_DUNNO;
	found = router_class(c->s->server->router, addr, c->a, &class);
	if (found != FIND_YES)
		return check_refuse_lookup(c, about);
	/* Where mail ends here; a domain that we relay for is somewhere. */
	if (class != ROUTE_DEFAULT && class != ROUTE_RELAY)
		return VERDICT_DUNNO;
	switch (find_any(c, addr.domain, types, 3, &answer)) {
	case FIND_YES:
		if (!is_null_mx(&answer))
			return VERDICT_DUNNO;
		return check_refuse(c, 550,
		    about == SUBJECT_SENDER ? "5.7.27" : "5.1.10",
		    "<%.*s>: %s rejected: Domain %.*s does not accept mail "
		    "(nullMX)",
		    STR_ARG(addr.text), check_class(about),
		    STR_ARG(addr.domain));
	case FIND_NO:
		return check_refuse_about(c,
		    code_of(c, PARAM_unknown_address_reject_code), dsn, about,
		    STR("Domain not found"));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	check_defer_if_permit(c, dsn, about, STR("Domain not found"));
	return VERDICT_DUNNO;
}

static enum verdict
refuse_non_fqdn_address(struct check *c, struct addr addr, enum subject about)
{
	if (addr_is_null(addr) || addr_is_literal(addr.domain) ||
	    is_fqdn(addr.domain))
		return VERDICT_DUNNO;
	return check_refuse_about(c, code_of(c, PARAM_non_fqdn_reject_code),
	    STR("5.5.2"), about, STR("need fully-qualified address"));
}

static enum verdict
refuse_bad_literal(struct check *c, struct str helo)
{
	struct ip ip;

	if (addr_is_literal(helo) && ip_parse_literal(helo, &ip) == 0)
		return VERDICT_DUNNO;
	return check_refuse_about(c,
	    code_of(c, PARAM_invalid_hostname_reject_code), STR("5.5.2"),
	    SUBJECT_HELO, STR("invalid ip address"));
}

static enum verdict
refuse_invalid_helo(struct check *c, struct str helo)
{
	if (helo.p[0] == '[')
		return refuse_bad_literal(c, helo);
	if (helo.p[helo.len - 1] == '.')
		helo.len--;
	if (addr_is_domain(helo) || is_ip(helo))
		return VERDICT_DUNNO;
	return check_refuse_about(c,
	    code_of(c, PARAM_invalid_hostname_reject_code), STR("5.5.2"),
	    SUBJECT_HELO, STR("Invalid name"));
}

static enum verdict
refuse_non_fqdn_helo(struct check *c, struct str helo)
{
	if (helo.p[0] == '[')
		return refuse_bad_literal(c, helo);
	if (is_fqdn(helo))
		return VERDICT_DUNNO;
	return check_refuse_about(c, code_of(c, PARAM_non_fqdn_reject_code),
	    STR("5.5.2"), SUBJECT_HELO, STR("need fully-qualified hostname"));
}

static enum verdict
refuse_unknown_helo(struct check *c, struct str helo)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
	struct dns_answer answer;

	if (helo.p[0] == '[')
		return refuse_bad_literal(c, helo);
	switch (find_any(c, helo, types, 3, &answer)) {
	case FIND_YES:
		return VERDICT_DUNNO;
	case FIND_NO:
		return check_refuse_about(c,
		    code_of(c, PARAM_unknown_hostname_reject_code),
		    STR("4.7.1"), SUBJECT_HELO, STR("Host not found"));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	check_defer_if_permit(
	    c, STR("4.7.1"), SUBJECT_HELO, STR("Host not found"));
	return VERDICT_DUNNO;
}

static enum verdict
refuse_unknown_client(
    struct check *c, enum client_name status, const char *which)
{
	unsigned code = code_of(c, PARAM_unknown_client_reject_code);

	switch (status) {
	case CLIENT_KNOWN:
		return VERDICT_DUNNO;
	case CLIENT_RETRY:
		code = 450;
		break;
	case CLIENT_NONE:
		break;
	}
	return check_refuse(c, code, "4.7.25",
	    "Client host rejected: cannot find your %shostname, [%.*s]", which,
	    STR_ARG(c->s->client.address));
}

static enum verdict
check_helo_name(struct check *c, enum restriction what)
{
	struct str helo = buf_str(&c->s->helo);

	if (helo.len == 0)
		return VERDICT_DUNNO;
	if (what == RESTRICTION_reject_invalid_helo_hostname)
		return refuse_invalid_helo(c, helo);
	if (what == RESTRICTION_reject_non_fqdn_helo_hostname)
		return refuse_non_fqdn_helo(c, helo);
	return refuse_unknown_helo(c, helo);
}

enum verdict
names_check(struct check *c, enum restriction what)
{
	const struct session *s = c->s;

	if (what == RESTRICTION_reject_unknown_client_hostname)
		return refuse_unknown_client(c, s->client.status, "");
	if (what == RESTRICTION_reject_unknown_reverse_client_hostname)
		return refuse_unknown_client(
		    c, s->client.reverse_status, "reverse ");
	if (what == RESTRICTION_reject_unknown_forward_client_hostname)
		return s->client.reverse_status == CLIENT_KNOWN
		           ? refuse_unknown_client(c, s->client.status, "")
		           : VERDICT_DUNNO;
	if (what == RESTRICTION_reject_invalid_helo_hostname ||
	    what == RESTRICTION_reject_non_fqdn_helo_hostname ||
	    what == RESTRICTION_reject_unknown_helo_hostname)
		return check_helo_name(c, what);
	if (s->txn.has_sender && what == RESTRICTION_reject_non_fqdn_sender)
		return refuse_non_fqdn_address(
		    c, s->txn.sender, SUBJECT_SENDER);
	if (s->txn.has_sender &&
	    what == RESTRICTION_reject_unknown_sender_domain)
		return refuse_unknown_domain(c, s->txn.sender, SUBJECT_SENDER);
	if (c->recipient != NULL &&
	    what == RESTRICTION_reject_non_fqdn_recipient)
		return refuse_non_fqdn_address(
		    c, *c->recipient, SUBJECT_RECIPIENT);
	if (c->recipient != NULL &&
	    what == RESTRICTION_reject_unknown_recipient_domain)
		return refuse_unknown_domain(
		    c, *c->recipient, SUBJECT_RECIPIENT);
	return VERDICT_DUNNO;
}
