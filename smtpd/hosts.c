/* SPDX-License-Identifier: ISC */
/*
 * hosts - check_..._mx_access and check_..._a_access: the access table is
 * asked about the mail servers of a domain, or about the addresses of a name.
 */
#include "access.h"

#include "base/log.h"
#include "check.h"
#include "mail/addr.h"
#include "mail/ask.h"

#include <assert.h>
#include <string.h>

#define HOSTS_MAX 20 /* mail servers of one domain that are looked at */

/* Whose hosts, and are they mail servers? */
static const struct {
	enum restriction mx, a;
	enum subject about;
	bool is_reverse;
} kinds[] = {
    {RESTRICTION_check_client_mx_access, RESTRICTION_check_client_a_access,
	SUBJECT_CLIENT, false},
    {RESTRICTION_check_reverse_client_hostname_mx_access,
	RESTRICTION_check_reverse_client_hostname_a_access, SUBJECT_CLIENT,
	true},
    {RESTRICTION_check_helo_mx_access, RESTRICTION_check_helo_a_access,
	SUBJECT_HELO, false},
    {RESTRICTION_check_sender_mx_access, RESTRICTION_check_sender_a_access,
	SUBJECT_SENDER, false},
    {RESTRICTION_check_recipient_mx_access,
	RESTRICTION_check_recipient_a_access, SUBJECT_RECIPIENT, false},
};

static struct str
domain_of(const struct check *c, enum subject about, bool is_reverse)
{
	const struct session *s = c->s;

	switch (about) {
	case SUBJECT_CLIENT:
		if (is_reverse)
			return s->client.reverse_status == CLIENT_KNOWN
			           ? s->client.reverse
			           : STR_NONE;
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
		break;
	}
	return STR_NONE;
}

static void
try_address(struct check *c, const struct rule *r, struct str data,
    struct access_answer *ret)
{
	struct ip ip = {.family = data.len == 4 ? 4 : 6};

	if (data.len != 4 && data.len != 16)
		return;
	memcpy(ip.b, data.p, data.len);
	access_ip(c, r, &ip, ret);
}

/* The name, and each of its addresses. */
static void
try_host(struct check *c, const struct rule *r, struct str name,
    struct access_answer *ret)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct dns_answer answer;

	access_domain(c, r, name, ret);
	for (size_t t = 0; t < 2 && ret->find == FIND_NO; t++) {
		if (ask_dns(c->s->server->dns, name, types[t], c->a, &answer) !=
		    FIND_YES)
			continue;
		for (size_t i = 0; i < answer.records.n; i++)
			try_address(
			    c, r, ask_dns_record(&answer, i)->data, ret);
	}
}

/* RFC 5321 section 5.1: without MX records the domain is its own server. */
static void
try_servers(struct check *c, const struct rule *r, struct str domain,
    struct access_answer *ret)
{
	struct dns_answer mx;

	if (ask_dns(c->s->server->dns, domain, DNS_MX, c->a, &mx) != FIND_YES) {
		try_host(c, r, domain, ret);
		return;
	}
	for (size_t i = 0; i < mx.records.n && i < HOSTS_MAX; i++) {
		struct str name = ask_dns_record(&mx, i)->data;

		if (name.len > 0)
			try_host(c, r, name, ret);
	}
}

static void
try_literal(struct check *c, const struct rule *r, struct str literal,
    struct access_answer *ret)
{
	struct ip ip;

	if (ip_parse_literal(literal, &ip) == 0)
		access_ip(c, r, &ip, ret);
}

enum verdict
hosts_check(struct check *c, const struct rule *r)
{
	struct access_answer answer = {.find = FIND_NO};
	enum verdict v;
	struct str domain;
	size_t i = 0;

	while (kinds[i].mx != r->what && kinds[i].a != r->what) {
		i++;
		assert(i < sizeof(kinds) / sizeof(kinds[0]));
	}
	domain = domain_of(c, kinds[i].about, kinds[i].is_reverse);
	if (domain.len == 0)
		return VERDICT_DUNNO;
	if (addr_is_literal(domain))
		try_literal(c, r, domain, &answer);
	else if (r->what == kinds[i].mx)
		try_servers(c, r, domain, &answer);
	else
		try_host(c, r, domain, &answer);
	v = access_act(c, r, &answer, kinds[i].about);
	/* SECURITY: who owns a domain writes what its servers are. */
	if (v != VERDICT_PERMIT)
		return v;
	log_warning("%.*s: \"%.*s\" permits by what the DNS says: not heeded",
	    STR_ARG(r->arg), STR_ARG(answer.value));
	return VERDICT_DUNNO;
}
