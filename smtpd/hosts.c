/* SPDX-License-Identifier: ISC */
/*
 * hosts - check_..._mx_access, check_..._ns_access and check_..._a_access: the
 * access table is asked about the mail servers or the name servers of a
 * domain, or about the addresses of a name.
 */
#include "access.h"

#include "base/log.h"
#include "check.h"
#include "mail/addr.h"
#include "mail/ask.h"

#include <assert.h>
#include <string.h>

#define HOSTS_MAX 20 /* mail servers of one domain that are looked at */

/* Whose hosts, and which: its mail servers, its name servers, itself. */
static const struct {
	enum restriction mx, ns, a;
	enum subject about;
} kinds[] = {
    {RESTRICTION_check_client_mx_access, RESTRICTION_check_client_ns_access,
	RESTRICTION_check_client_a_access, SUBJECT_CLIENT},
    {RESTRICTION_check_reverse_client_hostname_mx_access,
	RESTRICTION_check_reverse_client_hostname_ns_access,
	RESTRICTION_check_reverse_client_hostname_a_access, SUBJECT_REVERSE},
    {RESTRICTION_check_helo_mx_access, RESTRICTION_check_helo_ns_access,
	RESTRICTION_check_helo_a_access, SUBJECT_HELO},
    {RESTRICTION_check_sender_mx_access, RESTRICTION_check_sender_ns_access,
	RESTRICTION_check_sender_a_access, SUBJECT_SENDER},
    {RESTRICTION_check_recipient_mx_access,
	RESTRICTION_check_recipient_ns_access,
	RESTRICTION_check_recipient_a_access, SUBJECT_RECIPIENT},
};

/* One look at the hosts of a domain. */
struct look {
	struct check *c;
	const struct rule *r;
	struct access_answer answer;
	bool is_blind; /* something could not be asked */
};

static struct str
domain_of(const struct check *c, enum subject about)
{
	const struct session *s = c->s;

	switch (about) {
	case SUBJECT_REVERSE:
		return s->client.reverse_status == CLIENT_KNOWN
		           ? s->client.reverse
		           : STR_NONE;
	case SUBJECT_CLIENT:
		return s->client.status == CLIENT_KNOWN ? s->client.name
		                                        : STR_NONE;
	case SUBJECT_HELO:
		return buf_str(&s->helo);
	case SUBJECT_SENDER:
		return s->txn.sender.domain;
	case SUBJECT_RECIPIENT:
		return c->recipient != NULL ? c->recipient->domain : STR_NONE;
	case SUBJECT_DATA:
	case SUBJECT_END:
	case SUBJECT_LOGIN:
		break;
	}
	return STR_NONE;
}

static enum find
ask(struct look *l, struct str name, enum dns_type type, struct dns_answer *ret)
{
	enum find found =
	    ask_dns(l->c->s->server->dns, name, type, l->c->a, ret);

	l->is_blind |= found == FIND_RETRY || found == FIND_BROKEN;
	return found;
}

static void
try_address(struct look *l, struct str data)
{
	struct ip ip = {.family = data.len == 4 ? 4 : 6};

	if (data.len != 4 && data.len != 16)
		return;
	memcpy(ip.b, data.p, data.len);
	access_ip(l->c, l->r, &ip, &l->answer);
}

/* The name, and each of its addresses. */
static void
try_host(struct look *l, struct str name)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct dns_answer answer;

	access_domain(l->c, l->r, name, &l->answer);
	for (size_t t = 0; t < 2 && l->answer.find == FIND_NO; t++) {
		if (ask(l, name, types[t], &answer) != FIND_YES)
			continue;
		for (size_t i = 0; i < answer.records.n; i++)
			try_address(l, ask_dns_record(&answer, i)->data);
	}
}

static void
try_hosts(struct look *l, const struct dns_answer *hosts)
{
	for (size_t i = 0; i < hosts->records.n && i < HOSTS_MAX; i++) {
		struct str name = ask_dns_record(hosts, i)->data;

		if (name.len > 0)
			try_host(l, name);
	}
}

/* RFC 5321 section 5.1: without MX records the domain is its own server. */
static void
try_mail_servers(struct look *l, struct str domain)
{
	struct dns_answer mx;
	enum find found = ask(l, domain, DNS_MX, &mx);

	if (found == FIND_YES)
		try_hosts(l, &mx);
	else if (found == FIND_NO)
		try_host(l, domain);
}

/* Those of the zone that the name is in: of the first name above it that has
 * some. */
static void
try_name_servers(struct look *l, struct str domain)
{
	struct dns_answer ns;
	enum find found;

	for (;;) {
		found = ask(l, domain, DNS_NS, &ns);
		if (found != FIND_NO || ns.nxdomain ||
		    !str_cut(domain, '.', NULL, &domain) || domain.len == 0)
			break;
	}
	if (found == FIND_YES)
		try_hosts(l, &ns);
}

static void
try_literal(struct look *l, struct str literal)
{
	struct ip ip;

	if (ip_parse_literal(literal, &ip) == 0)
		access_ip(l->c, l->r, &ip, &l->answer);
}

/* Who owns a domain could keep us from seeing what would be refused. */
static enum verdict
act(struct look *l, enum subject about)
{
	enum verdict v = access_act(l->c, l->r, &l->answer, about);

	if (l->answer.find == FIND_NO && l->is_blind)
		check_defer_if_permit(
		    l->c, STR("4.4.3"), about, STR("Temporary lookup failure"));
	/* SECURITY: who owns a domain writes what its servers are. */
	if (v != VERDICT_PERMIT)
		return v;
	log_warning("%.*s: \"%.*s\" permits by what the DNS says: not heeded",
	    STR_ARG(l->r->arg), STR_ARG(l->answer.value));
	return VERDICT_DUNNO;
}

enum verdict
hosts_check(struct check *c, const struct rule *r)
{
	struct look l = {.c = c, .r = r, .answer = {.find = FIND_NO}};
	struct str domain;
	size_t i = 0;

	while (kinds[i].mx != r->what && kinds[i].ns != r->what &&
	       kinds[i].a != r->what) {
		i++;
		assert(i < sizeof(kinds) / sizeof(kinds[0]));
	}
	domain = domain_of(c, kinds[i].about);
	if (domain.len == 0)
		return VERDICT_DUNNO;
	if (addr_is_literal(domain))
		try_literal(&l, domain);
	else if (r->what == kinds[i].mx)
		try_mail_servers(&l, domain);
	else if (r->what == kinds[i].ns)
		try_name_servers(&l, domain);
	else
		try_host(&l, domain);
	return act(&l, kinds[i].about);
}
