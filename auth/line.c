/* SPDX-License-Identifier: ISC */
/* line - the words of one line. */
#include "line.h"

#include <errno.h>

#define RESP STR("resp=")
#define RIP  STR("rip=")

static const struct {
	const char *name;
	enum line_kind kind;
} kinds[] = {
    {"VERSION", LINE_VERSION},
    {"CPID", LINE_CPID},
    {"AUTH", LINE_AUTH},
    {"CONT", LINE_CONT},
    {"CANCEL", LINE_CANCEL},
};

static enum line_kind
find_kind(struct str word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(word, str_c(kinds[i].name)))
			return kinds[i].kind;
	return LINE_OTHER;
}

static void
take_parameter(struct str word, struct line *ret)
{
	if (str_has_prefix(word, RIP))
		ret->address = str_from(word, RIP.len);
	else if (str_eq(word, STR("final-resp-ok")))
		ret->takes_final = true;
}

/* "resp=" is the last, and all of the rest is its.  Exim says it also where
 * its client gave no response; an empty one is "=". */
static int
parse_auth(struct str rest, struct line *ret)
{
	struct str word;

	str_cut(rest, '\t', &ret->mechanism, &rest);
	while (rest.len > 0) {
		if (str_has_prefix(rest, RESP)) {
			ret->response = str_from(rest, RESP.len);
			ret->has_response = ret->response.len > 0;
			break;
		}
		str_cut(rest, '\t', &word, &rest);
		take_parameter(word, ret);
	}
	return ret->mechanism.len == 0 ? -EINVAL : 0;
}

int
line_parse(struct str text, struct line *ret)
{
	struct str verb, first, rest;

	*ret = (struct line){
	    .mechanism = STR_NONE, .address = STR_NONE, .response = STR_NONE};
	str_cut(text, '\t', &verb, &rest);
	ret->kind = find_kind(verb);
	if (ret->kind == LINE_OTHER)
		return 0;
	str_cut(rest, '\t', &first, &rest);
	if (ret->kind == LINE_VERSION)
		return str_parse_u64(first, UINT32_MAX, &ret->major);
	if (str_parse_u64(first, UINT32_MAX, &ret->id) < 0)
		return -EINVAL;
	if (ret->kind == LINE_AUTH)
		return parse_auth(rest, ret);
	if (ret->kind == LINE_CONT) {
		ret->has_response = true;
		ret->response = rest;
	}
	return 0;
}
