/* SPDX-License-Identifier: ISC */
/* own - the addresses of this host. */
#include "own.h"

#include "base/log.h"
#include "mail/ask.h"

#include <sys/socket.h>
#include <unistd.h>

#define ANY_PORT 9 /* no packet goes there; 0 is refused */

static void
add(struct own *o, const struct ip *ip)
{
	if (o->n < OWN_MAX)
		o->ips[o->n++] = *ip;
}

static void
add_host(struct own *o, struct str name, struct link *lookup)
{
	ARENA_CLEANUP struct arena a = {0};
	struct ask_hosts hosts;

	arena_init(&a, 2 * ASK_ROOM);
	if (ask_host(lookup, name, &a, &hosts) != FIND_YES) {
		log_warning("inet_interfaces, proxy_interfaces: "
			    "host %.*s not found",
		    STR_ARG(name));
		return;
	}
	for (size_t i = 0; i < hosts.n; i++)
		add(o, &hosts.ips[i]);
}

static void
add_word(struct own *o, struct str word, struct link *lookup)
{
	static const struct ip loopbacks[] = {
	    {4, {127, 0, 0, 1}},
	    {6, {[15] = 1}},
	};
	struct ip ip;

	if (str_eq_case(word, STR("all"))) {
		o->all = true;
	} else if (str_eq_case(word, STR("loopback-only"))) {
		add(o, &loopbacks[0]);
		add(o, &loopbacks[1]);
	} else if (ip_parse(word, &ip) == 0 ||
		   ip_parse_literal(word, &ip) == 0) {
		add(o, &ip);
	} else {
		add_host(o, word, lookup);
	}
}

void
own_read(struct own *o, struct str inet_interfaces, struct str proxy_interfaces,
    struct link *lookup)
{
	struct str lists[] = {inet_interfaces, proxy_interfaces}, word;

	*o = (struct own){.n = 0};
	for (size_t i = 0; i < 2; i++)
		while ((word = str_word(&lists[i], ", \t\r\n")).len > 0)
			add_word(o, word, lookup);
}

static bool
is_any(const struct ip *ip)
{
	static const struct ip any4 = {.family = 4}, any6 = {.family = 6};

	return ip_eq(ip, &any4) || ip_eq(ip, &any6);
}

static bool
is_local(const struct ip *ip)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(ip, ANY_PORT, &ss);
	socklen_t near_len = sizeof(ss);
	struct ip near;
	uint16_t port;
	bool local = false;
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&ss, &near_len) == 0 &&
	    ip_from_sockaddr((struct sockaddr *)&ss, &near, &port) == 0)
		local = ip_eq(ip, &near);
	close(fd);
	return local;
}

bool
own_has(const struct own *o, const struct ip *ip)
{
	if (is_any(ip)) /* connects to this host as well */
		return true;
	for (size_t i = 0; i < o->n; i++)
		if (ip_eq(ip, &o->ips[i]))
			return true;
	return o->all && is_local(ip);
}
