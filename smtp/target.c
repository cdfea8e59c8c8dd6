/* SPDX-License-Identifier: ISC */
/* target - from a next hop to addresses. */
#include "target.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/ask.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

struct mx {
	struct str host;
	unsigned preference;
};

struct search {
	const struct target_finder *f;
	uint16_t port;
	int64_t deadline;
	struct arena *arena; /* of the result */
	struct targets found;
	struct fail *why;
};

static const char *
find_text(const struct dns_answer *answer)
{
	switch ((enum find)answer->find) {
	case FIND_YES:
		break;
	case FIND_NO:
		return answer->nxdomain
		           ? "Host not found"
		           : "Host found but no data record of requested type";
	case FIND_RETRY:
		return "Host not found, try again";
	case FIND_BROKEN:
		return "Non-recoverable error";
	}
	return "Malformed or unexpected name server reply";
}

static void
set_dns_fail(struct fail *why, struct str name, const char *type,
    const struct dns_answer *answer)
{
	bool no = answer->find == FIND_NO || answer->find == FIND_YES;

	/* One host that may come back is worth more than one that is not
	 * there. */
	if (no && fail_is_set(why) && !fail_is_hard(why))
		return;
	fail_set(why, no ? "5.4.4" : "4.4.3",
	    "Host or domain name not found. Name service error for "
	    "name=%.*s type=%s: %s",
	    STR_ARG(name), type, find_text(answer));
}

static void
add_target(
    struct search *s, struct str host, const struct ip *ip, unsigned preference)
{
	bool wanted = ip->family == 4 ? s->f->settings->use_ipv4
	                              : s->f->settings->use_ipv6;

	if (!wanted || s->found.n == TARGET_MAX)
		return;
	s->found.list[s->found.n++] = (struct target){
	    .host = host, .ip = *ip, .port = s->port, .preference = preference};
}

static bool
take_address(const struct dns_record *r, struct ip *ret)
{
	size_t n = r->type == DNS_A ? 4 : 16;

	if (r->data.len != n)
		return false;
	*ret = (struct ip){.family = r->type == DNS_A ? 4 : 6};
	memcpy(ret->b, r->data.p, n);
	/* ::ffff:a.b.c.d is IPv4 here, also in an AAAA record. */
	static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
	if (n == 16 && memcmp(ret->b, mapped, 12) == 0) {
		memmove(ret->b, ret->b + 12, 4);
		memset(ret->b + 4, 0, 12);
		ret->family = 4;
	}
	return true;
}

static void
ask_addresses(
    struct search *s, struct str host, unsigned preference, enum dns_type type)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;

	arena_init(&a, 2 * ASK_ROOM);
	if (ask_dns(s->f->dns, host, type, &a, &answer) != FIND_YES) {
		set_dns_fail(
		    s->why, host, type == DNS_A ? "A" : "AAAA", &answer);
		return;
	}
	for (size_t i = 0; i < answer.records.n; i++) {
		struct ip ip;
		if (take_address(ask_dns_record(&answer, i), &ip))
			add_target(s, host, &ip, preference);
	}
}

static void
ask_native(struct search *s, struct str host, unsigned preference)
{
	ARENA_CLEANUP struct arena a = {0};
	struct ask_hosts hosts;

	arena_init(&a, 2 * ASK_ROOM);
	switch (ask_host(s->f->lookup, host, &a, &hosts)) {
	case FIND_YES:
		for (size_t i = 0; i < hosts.n; i++)
			add_target(s, host, &hosts.ips[i], preference);
		return;
	case FIND_NO:
		if (!fail_is_set(s->why))
			fail_set(s->why, "5.4.4",
			    "unable to look up host %.*s: "
			    "Name or service not known",
			    STR_ARG(host));
		return;
	case FIND_RETRY:
	case FIND_BROKEN:
		fail_set(s->why, "4.4.3",
		    "unable to look up host %.*s: "
		    "Temporary failure in name resolution",
		    STR_ARG(host));
		return;
	}
}

/* Nothing that has been found yet is enough, and there is time left. */
static bool
is_open(const struct search *s)
{
	return s->found.n == 0 || clock_mono() < s->deadline;
}

static void
add_host(struct search *s, struct str host, unsigned preference)
{
	const struct settings *c = s->f->settings;
	size_t before = s->found.n;
	struct ip ip;

	if (ip_parse(host, &ip) == 0) {
		add_target(s, host, &ip, preference);
		return;
	}
	host = arena_str(s->arena, host);
	if (c->lookup_dns && c->use_ipv4)
		ask_addresses(s, host, preference, DNS_A);
	if (c->lookup_dns && c->use_ipv6 && is_open(s))
		ask_addresses(s, host, preference, DNS_AAAA);
	if (c->lookup_native && s->found.n == before)
		ask_native(s, host, preference);
}

static int
compare_mx(const void *x, const void *y)
{
	const struct mx *a = x, *b = y;

	return (a->preference > b->preference) -
	       (a->preference < b->preference);
}

/* The hosts of MX records that can be hosts, the best first. */
static size_t
take_mx(const struct dns_answer *answer, struct str domain, struct arena *a,
    struct mx **ret)
{
	struct mx *list = arena_array(a, answer->records.n, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < answer->records.n; i++) {
		const struct dns_record *r = ask_dns_record(answer, i);
		struct ip ip;
		/* SECURITY: a name of any bytes would go on into log lines,
		 * and an address there can lead to whatever host. */
		if (!addr_is_domain(r->data) || ip_parse(r->data, &ip) == 0) {
			log_warning("malformed domain name in resource data of "
				    "MX record for %.*s: %.*s",
			    STR_ARG(domain), STR_ARG(r->data));
			continue;
		}
		list[n++] = (struct mx){r->data, (unsigned)r->preference};
	}
	qsort(list, n, sizeof(*list), compare_mx);
	*ret = list;
	return n;
}

static bool
is_null_mx(const struct dns_answer *answer)
{
	return answer->records.n == 1 &&
	       ask_dns_record(answer, 0)->data.len == 0;
}

/* Host by host, until there are as many as will be tried. */
static void
add_mx_hosts(struct search *s, const struct mx *list, size_t n)
{
	size_t limit = s->f->settings->address_limit;

	for (size_t i = 0; i < n && i < TARGET_HOSTS && is_open(s); i++) {
		bool is_worse =
		    i > 0 && list[i].preference > list[i - 1].preference;
		if (limit > 0 && s->found.n >= limit && is_worse)
			return;
		add_host(s, list[i].host, list[i].preference);
	}
}

/* Cut off the first target that is us, and all that are not better. */
static void
cut_own(struct search *s, struct str domain, unsigned best)
{
	unsigned own = UINT32_MAX, first = s->found.list[0].preference;
	size_t n = 0;

	for (size_t i = 0; i < s->found.n; i++) {
		const struct target *t = &s->found.list[i];
		if (t->preference < own && own_has(s->f->own, &t->ip))
			own = t->preference;
	}
	for (size_t i = 0; i < s->found.n; i++) {
		if (s->found.list[i].preference < first)
			first = s->found.list[i].preference;
		if (s->found.list[i].preference < own)
			s->found.list[n++] = s->found.list[i];
	}
	s->found.n = n;
	if (n > 0)
		return;
	if (first != best)
		fail_set(s->why, "4.4.4",
		    "unable to find primary relay for %.*s", STR_ARG(domain));
	else
		fail_set(s->why, "5.4.6", "mail for %.*s loops back to myself",
		    STR_ARG(domain));
}

/* Only where our own server listens: another port is another server. */
static void
check_own(struct search *s, struct str domain, unsigned best)
{
	const struct settings *c = s->f->settings;

	/* An LMTP server of this host brings nothing back. */
	if (s->found.n > 0 && s->port == c->port && !c->is_lmtp)
		cut_own(s, domain, best);
}

static void
find_by_host(struct search *s, struct str host)
{
	add_host(s, host, 0);
	check_own(s, host, 0);
}

static void
find_by_mx(struct search *s, struct str domain, const struct dns_answer *mx,
    struct arena *a)
{
	struct mx *list;

	if (is_null_mx(mx)) {
		fail_set(s->why, "5.1.10",
		    "Domain %.*s does not accept mail (nullMX)",
		    STR_ARG(domain));
		return;
	}
	size_t n = take_mx(mx, domain, a, &list);
	if (n == 0) {
		set_dns_fail(s->why, domain, "MX", mx);
		return;
	}
	add_mx_hosts(s, list, n);
	if (s->found.n == 0) {
		log_warning("no MX host for %.*s has a valid address record",
		    STR_ARG(domain));
		if (s->f->settings->defer_no_address && fail_is_hard(s->why))
			fail_soften(s->why, "4.4.4");
		return;
	}
	check_own(s, domain, list[0].preference);
}

static void
find_by_domain(struct search *s, struct str domain)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;

	arena_init(&a, 2 * ASK_ROOM);
	switch (ask_dns(s->f->dns, domain, DNS_MX, &a, &answer)) {
	case FIND_YES:
		find_by_mx(s, domain, &answer, &a);
		return;
	case FIND_NO:
		/* RFC 5321 section 5.1: the implicit MX. */
		if (answer.nxdomain && !s->f->settings->lookup_native)
			set_dns_fail(s->why, domain, "MX", &answer);
		else
			find_by_host(s, domain);
		return;
	case FIND_RETRY:
	case FIND_BROKEN:
		if (s->f->settings->ignore_mx_error)
			find_by_host(s, domain);
		else
			set_dns_fail(s->why, domain, "MX", &answer);
		return;
	}
}

/* A name beyond ASCII as the DNS has it (RFC 5891). */
static struct str
to_ascii(struct str host, struct arena *a)
{
	char *ascii = NULL;
	bool plain = true;

	for (size_t i = 0; i < host.len; i++)
		plain = plain && (unsigned char)host.p[i] < 0x80;
	if (plain || idn2_to_ascii_8z(arena_cstr(a, host), &ascii,
			 IDN2_NONTRANSITIONAL) != IDN2_OK)
		return host;
	host = arena_str(a, str_c(ascii));
	idn2_free(ascii);
	return host;
}

bool
target_find(const struct target_finder *f, const struct nexthop *to,
    struct arena *a, struct targets *ret, struct fail *why)
{
	struct search s = {
	    .f = f,
	    .port = to->port,
	    .deadline = clock_after(TARGET_TIME),
	    .arena = a,
	    .why = why,
	};

	fail_reset(why);
	s.found.list = arena_array(a, TARGET_MAX, sizeof(*s.found.list));
	struct str host = to_ascii(to->host, a);
	if (to->path.len > 0) {
		s.found.list[s.found.n++] =
		    (struct target){.host = f->settings->myhostname,
			.path = arena_str(a, to->path)};
	} else if (to->is_ip) {
		char text[IP_TEXT_MAX];
		ip_format(&to->ip, text);
		add_target(&s, arena_str(a, str_c(text)), &to->ip, 0);
		check_own(&s, host, 0);
	} else if (to->has_mx && f->settings->lookup_dns) {
		find_by_domain(&s, host);
	} else {
		find_by_host(&s, host);
	}
	if (s.found.n == 0 && !fail_is_set(why))
		fail_set(why, "4.4.4", "no usable address for host %.*s",
		    STR_ARG(host));
	*ret = s.found;
	if (s.found.n == 0)
		return false;
	fail_reset(why);
	return true;
}

/* ---- the order ---- */

static int
compare_targets(const void *x, const void *y)
{
	const struct target *a = x, *b = y;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* The preferred family first, among hosts of one preference. */
static void
put_family_first(struct targets *t, enum settings_family first)
{
	uint8_t family = first == FAMILY_IPV4 ? 4 : 6;

	if (first == FAMILY_ANY)
		return;
	for (size_t i = 0; i < t->n; i++) {
		t->list[i].order >>= 1;
		if (t->list[i].ip.family != family)
			t->list[i].order |= UINT32_C(1) << 31;
	}
}

/* Of more than `limit` addresses keep the first, but half of each family
 * where there are as many: one dead protocol must not use up all tries. */
static void
balance(struct targets *t, size_t limit)
{
	size_t count[2] = {0, 0}, room[2], n = 0;

	for (size_t i = 0; i < t->n; i++)
		count[t->list[i].ip.family == 6]++;
	room[1] = count[1] < (limit + 1) / 2 ? count[1] : (limit + 1) / 2;
	room[0] = count[0] < limit - room[1] ? count[0] : limit - room[1];
	room[1] = count[1] < limit - room[0] ? count[1] : limit - room[0];
	for (size_t i = 0; i < t->n; i++) {
		size_t *left = &room[t->list[i].ip.family == 6];
		if (*left == 0)
			continue;
		(*left)--;
		t->list[n++] = t->list[i];
	}
	t->n = n;
}

void
target_order(struct targets *t, const struct settings *c)
{
	for (size_t i = 0; i < t->n; i++)
		t->list[i].order = c->shuffle ? arc4random() : (uint32_t)i;
	put_family_first(t, c->first);
	qsort(t->list, t->n, sizeof(*t->list), compare_targets);
	if (c->address_limit == 0 || t->n <= c->address_limit)
		return;
	if (c->balance)
		balance(t, c->address_limit);
	else
		t->n = c->address_limit;
}
