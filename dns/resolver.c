/* SPDX-License-Identifier: ISC */
/*
 * resolver - who is asked, and whose AD bit is believed.
 */
#include "resolver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT 53

/*
 * SECURITY: AD is one bit in a packet that anyone on the way can set, so it
 * counts from this host only; and systemd-resolved (127.0.0.53, 127.0.0.54)
 * hands on what others set without having checked it.
 */
static bool
is_trusted(const struct ip *ip)
{
	static const struct ip stubs[] = {
	    {4, {127, 0, 0, 53}},
	    {4, {127, 0, 0, 54}},
	};

	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++)
		if (ip_eq(ip, &stubs[i]))
			return false;
	return ip_is_loopback(ip);
}

static void
add(struct resolvers *r, const struct ip *ip, uint16_t port)
{
	char text[IP_TEXT_MAX];

	if (r->n == RESOLVER_MAX)
		return;
	struct resolver *new = &r->list[r->n++];
	*new = (struct resolver){
	    .ip = *ip, .port = port, .trusted = is_trusted(ip)};
	ip_format(ip, text);
	snprintf(new->text, sizeof(new->text),
	    ip->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
}

static int
parse_port(struct str port, uint16_t *ret)
{
	uint64_t n;

	if (str_parse_u64(port, 65535, &n) != 0 || n == 0)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* "ip", "ip4:port", "[ip]", "[ip]:port". */
static int
parse_one(struct str word, struct ip *ret_ip, uint16_t *ret_port)
{
	struct str host = word, port;
	bool has_port = false;

	*ret_port = PORT;
	if (str_has_prefix(word, STR("["))) {
		if (!str_cut(str_from(word, 1), ']', &host, &port))
			return -EINVAL;
		has_port = str_has_prefix(port, STR(":"));
		if (port.len > 0 && !has_port)
			return -EINVAL;
		port = str_from(port, 1);
	} else if (ip_parse(word, ret_ip) != 0) {
		has_port = str_cut(word, ':', &host, &port);
	}
	if (ip_parse(host, ret_ip) != 0)
		return -EINVAL;
	return has_port ? parse_port(port, ret_port) : 0;
}

int
resolvers_parse(struct resolvers *r, struct str list, struct buf *why)
{
	struct str word;

	*r = (struct resolvers){.wait = RESOLVER_WAIT};
	while ((word = str_word(&list, ", \t\r\n")).len > 0) {
		struct ip ip;
		uint16_t port;
		if (parse_one(word, &ip, &port) != 0) {
			buf_addf(why,
			    "dns_resolvers: \"%.*s\" is not an address "
			    "with or without a port, as in 127.0.0.1:53",
			    STR_ARG(word));
			return -EINVAL;
		}
		add(r, &ip, port);
	}
	return 0;
}

void
resolvers_parse_file(struct resolvers *r, struct str text)
{
	static const struct ip here = {4, {127, 0, 0, 1}};
	struct str line;

	*r = (struct resolvers){.wait = RESOLVER_WAIT};
	while (str_line(&text, &line)) {
		struct ip ip;
		if (!str_eq(str_word(&line, " \t"), STR("nameserver")))
			continue;
		if (ip_parse(str_word(&line, " \t"), &ip) == 0)
			add(r, &ip, PORT);
	}
	if (r->n == 0)
		add(r, &here, PORT);
}
