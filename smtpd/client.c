/* SPDX-License-Identifier: ISC */
/* client - the peer's address and its names. */
#include "client.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/ask.h"

#include <string.h>

#define LOOKUP_ROOM (8 * ASK_ROOM) /* four questions at most */

static void
set_text(struct client *c, bool with_port, struct arena *a)
{
	c->text = with_port ? arena_strf(a, "%.*s[%.*s]:%u", STR_ARG(c->name),
				  STR_ARG(c->address), (unsigned)c->port)
	                    : arena_strf(a, "%.*s[%.*s]", STR_ARG(c->name),
				  STR_ARG(c->address));
}

void
client_set_name(struct client *c, struct str name, struct str reverse,
    bool with_port, struct arena *a)
{
	c->name = name;
	c->reverse = reverse;
	set_text(c, with_port, a);
}

void
client_init(struct client *c, const struct ip *ip, uint16_t port,
    bool with_port, struct arena *a)
{
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	*c = (struct client){
	    .ip = *ip,
	    .port = port,
	    .address = arena_str(a, str_c(text)),
	    .name = STR("unknown"),
	    .reverse = STR("unknown"),
	    .status = CLIENT_NONE,
	    .reverse_status = CLIENT_NONE,
	};
	set_text(c, with_port, a);
}

struct str
client_reverse_name(
    const struct ip *ip, struct str zone4, struct str zone6, struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	char text[64];
	size_t at = 0;

	if (ip->family == 4)
		return arena_strf(a, "%u.%u.%u.%u.%.*s", ip->b[3], ip->b[2],
		    ip->b[1], ip->b[0], STR_ARG(zone4));
	for (size_t i = 16; i-- > 0;) {
		text[at++] = hex[ip->b[i] & 15];
		text[at++] = '.';
		text[at++] = hex[ip->b[i] >> 4];
		text[at++] = '.';
	}
	return arena_join(a, str_n(text, at), zone6);
}

static enum find
find_name(const struct client *c, struct link *lookup, struct link *dns,
    struct arena *a, struct str *ret)
{
	struct str zone4 = STR("in-addr.arpa"), zone6 = STR("ip6.arpa");
	struct dns_answer answer;
	enum find found = ask_address(lookup, &c->ip, a, ret);

	if (found == FIND_YES)
		return FIND_YES;
	found = ask_dns(dns, client_reverse_name(&c->ip, zone4, zone6, a),
	    DNS_PTR, a, &answer);
	if (found == FIND_YES)
		*ret = ask_dns_record(&answer, 0)->data;
	return found;
}

static bool
has_address(const struct dns_answer *answer, const struct ip *ip)
{
	for (size_t i = 0; i < answer->records.n; i++) {
		struct str data = ask_dns_record(answer, i)->data;

		if (data.len == (ip->family == 4 ? 4 : 16) &&
		    memcmp(data.p, ip->b, data.len) == 0)
			return true;
	}
	return false;
}

/* Does `name` have the client's address?  NO too when it has others. */
static enum find
check_forward(const struct client *c, struct str name, struct link *lookup,
    struct link *dns, struct arena *a)
{
	struct dns_answer answer;
	struct ask_hosts hosts;
	enum find found = ask_host(lookup, name, a, &hosts);

	for (size_t i = 0; found == FIND_YES && i < hosts.n; i++)
		if (ip_eq(&hosts.ips[i], &c->ip))
			return FIND_YES;
	found = ask_dns(
	    dns, name, c->ip.family == 4 ? DNS_A : DNS_AAAA, a, &answer);
	if (found == FIND_YES && !has_address(&answer, &c->ip))
		return FIND_NO;
	return found;
}

static enum client_name
status_of(enum find found)
{
	switch (found) {
	case FIND_YES:
		return CLIENT_KNOWN;
	case FIND_NO:
		return CLIENT_NONE;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return CLIENT_RETRY;
}

void
client_look_up(struct client *c, bool with_port, struct link *lookup,
    struct link *dns, struct arena *a)
{
	ARENA_CLEANUP struct arena scratch = {0};
	struct str name;
	enum find found;

	arena_init(&scratch, LOOKUP_ROOM);
	found = find_name(c, lookup, dns, &scratch, &name);
	c->reverse_status = status_of(found);
	c->status = c->reverse_status;
	if (found != FIND_YES)
		return;
	/* SECURITY: the owner of an address block writes any bytes here. */
	if (!addr_is_domain(name)) {
		c->reverse_status = c->status = CLIENT_NONE;
		return;
	}
	c->reverse = arena_lower(a, name);
	found = check_forward(c, c->reverse, lookup, dns, &scratch);
	c->status = status_of(found);
	if (found != FIND_YES) {
		log_warning("hostname %.*s does not resolve to address %.*s%s",
		    STR_ARG(c->reverse), STR_ARG(c->address),
		    found == FIND_RETRY ? ": Temporary failure in name "
					  "resolution"
					: "");
		return;
	}
	client_set_name(c, c->reverse, c->reverse, with_port, a);
}
