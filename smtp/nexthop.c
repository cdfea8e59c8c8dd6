/* SPDX-License-Identifier: ISC */
/* nexthop - a destination's text, taken apart. */
#include "nexthop.h"

#include <errno.h>

#define HOST_MAX 255

int
nexthop_port(struct str text, uint16_t *ret)
{
	static const struct {
		const char *name;
		uint16_t port;
	} services[] = {
	    {"smtp", 25},
	    {"lmtp", 24},
	    {"submission", 587},
	    {"submissions", 465},
	    {"smtps", 465},
	};
	uint64_t n;

	if (str_parse_u64(text, UINT16_MAX, &n) == 0 && n > 0) {
		*ret = (uint16_t)n;
		return 0;
	}
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_eq_case(text, str_c(services[i].name))) {
			*ret = services[i].port;
			return 0;
		}
	return -EINVAL;
}

static bool
is_host(struct str s)
{
	if (s.len == 0 || s.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    s.p[i] == '[' || s.p[i] == ']' || s.p[i] == '@')
			return false;
	return true;
}

/* Splits "host:port" or "[host]:port". */
static int
split(struct str text, struct str *ret_host, struct str *ret_port,
    bool *ret_brackets)
{
	*ret_brackets = str_has_prefix(text, STR("["));
	if (!*ret_brackets) {
		bool has_port = str_cut(text, ':', ret_host, ret_port);
		return has_port && ret_port->len == 0 ? -EINVAL : 0;
	}
	if (!str_cut(str_from(text, 1), ']', ret_host, ret_port))
		return -EINVAL;
	if (ret_port->len == 0)
		return 0;
	if (ret_port->p[0] != ':' || ret_port->len == 1)
		return -EINVAL;
	*ret_port = str_from(*ret_port, 1);
	return 0;
}

int
nexthop_parse(struct str text, uint16_t default_port, struct nexthop *ret)
{
	struct nexthop n = {.port = default_port};
	struct str port;
	bool brackets;

	text = str_trim(text);
	if (split(text, &n.host, &port, &brackets) != 0 || !is_host(n.host))
		return -EINVAL;
	if (port.len > 0 && nexthop_port(port, &n.port) != 0)
		return -EINVAL;
	n.is_ip = ip_parse(n.host, &n.ip) == 0 ||
	          (brackets && ip_parse_literal(n.host, &n.ip) == 0);
	n.has_mx = !brackets && !n.is_ip;
	*ret = n;
	return 0;
}

int
nexthop_parse_lmtp(struct str text, uint16_t default_port, struct nexthop *ret)
{
	text = str_trim(text);
	if (str_has_prefix(text, STR("unix:"))) {
		*ret = (struct nexthop){.path = str_from(text, 5)};
		return ret->path.len > 0 && ret->path.len <= NEXTHOP_PATH_MAX
		           ? 0
		           : -EINVAL;
	}
	if (str_has_prefix(text, STR("inet:")))
		text = str_from(text, 5);
	int e = nexthop_parse(text, default_port, ret);
	if (e == 0)
		ret->has_mx = false;
	return e;
}
