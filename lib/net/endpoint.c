/* SPDX-License-Identifier: ISC */
/* endpoint - a text taken apart.  Owns nothing. */
#include "net/endpoint.h"

#include <errno.h>

static int
parse_inet(struct str text, struct endpoint *ret, const char **ret_why)
{
	ptrdiff_t colon = str_find_last(text, ':');
	struct str host = str_sub(text, 0, colon < 0 ? 0 : (size_t)colon);
	uint64_t port;

	*ret_why = "after inet: must stand host:port";
	if (host.len > 1 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = str_sub(host, 1, host.len - 2);
	else if (str_has_char(host, ':'))
		return -EINVAL;
	if (host.len == 0 || host.len > 255)
		return -EINVAL;
	for (size_t i = 0; i < host.len; i++)
		if ((unsigned char)host.p[i] <= ' ' || host.p[i] == '/' ||
		    (unsigned char)host.p[i] >= 0x7f)
			return -EINVAL;
	*ret_why = "the port must be a number from 1 to 65535";
	if (str_parse_u64(
		str_from(text, (size_t)colon + 1), UINT16_MAX, &port) < 0 ||
	    port == 0)
		return -EINVAL;
	*ret = (struct endpoint){.kind = ENDPOINT_INET,
	    .host = host,
	    .port = (uint16_t)port,
	    .directory = STR_NONE,
	    .name = STR_NONE};
	return 0;
}

static int
parse_unix(struct str text, struct endpoint *ret, const char **ret_why)
{
	ptrdiff_t slash = str_find_last(text, '/');

	*ret_why = "after unix: must stand the path of a socket";
	*ret = (struct endpoint){.kind = ENDPOINT_UNIX,
	    .host = STR_NONE,
	    .directory = str_sub(text, 0,
		slash == 0  ? 1
		: slash < 0 ? 0
			    : (size_t)slash),
	    .name = str_from(text, (size_t)(slash + 1))};
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ')
			return -EINVAL;
	return ret->name.len == 0 || str_eq(ret->name, STR(".")) ||
	               str_eq(ret->name, STR(".."))
	           ? -EINVAL
	           : 0;
}

int
endpoint_parse(struct str text, struct endpoint *ret, const char **ret_why)
{
	struct str kind, rest;

	*ret_why = "must be inet:host:port or unix:path";
	if (text.len > ENDPOINT_MAX || !str_cut(text, ':', &kind, &rest))
		return -EINVAL;
	if (str_eq(kind, STR("inet")))
		return parse_inet(rest, ret, ret_why);
	if (str_eq(kind, STR("unix")) || str_eq(kind, STR("local")))
		return parse_unix(rest, ret, ret_why);
	return -EINVAL;
}
