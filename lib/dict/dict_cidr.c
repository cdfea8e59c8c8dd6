/* SPDX-License-Identifier: ISC */
/* dict_cidr - cidr:/file: blocks of addresses, IPv4 and IPv6. */
#include "dict/rules.h"

#include "base/log.h"
#include "net/ip.h"

#include <errno.h>
#include <stdlib.h>

static void *
compile(struct str *rest, struct buf *why)
{
	struct str word = str_word(rest, " \t");
	struct ip_block block, fixed, *kept;
	char text[IP_TEXT_MAX];
	int r = ip_block_parse(word, &block, &fixed);

	if (r == -ERANGE) {
		ip_format(&fixed.ip, text);
		buf_addf(why,
		    "non-null host address bits in \"%.*s\", perhaps you "
		    "should use \"%s/%u\" instead",
		    STR_ARG(word), text, fixed.bits);
		return NULL;
	}
	if (r != 0) {
		buf_addf(why, "not an address or network/bits: \"%.*s\"",
		    STR_ARG(word));
		return NULL;
	}
	kept = malloc(sizeof(*kept));
	if (kept == NULL)
		log_fatal("out of memory for a table");
	*kept = block;
	return kept;
}

/* The subject is the address in its parsed form: see get_cidr. */
static enum find
match(void *pattern, struct str subject, struct rules_match *ret)
{
	struct ip ip;

	(void)ret;
	memcpy(&ip, subject.p, sizeof(ip));
	return ip_block_has(pattern, &ip) ? FIND_YES : FIND_NO;
}

static const struct rules_engine engine = {
    .compile = compile,
    .match = match,
    .free = free,
};

static bool
open_cidr(struct dict *d, const struct dict_opening *o)
{
	return rules_open(d, o, &engine);
}

/* A key that is no address matches nothing, not even a "!". */
static enum find
get_cidr(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	struct ip ip;

	if (ip_parse(key, &ip) != 0)
		return FIND_NO;
	return rules_get(d, str_n((char *)&ip, sizeof(ip)), a, ret_value);
}

const struct dict_type dict_type_cidr = {
    .name = "cidr",
    .suffix = "",
    .is_pattern = true,
    .open = open_cidr,
    .get = get_cidr,
    .free = rules_free,
};
