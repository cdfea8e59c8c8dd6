/* SPDX-License-Identifier: ISC */
/* params - parsing what stands behind MAIL and RCPT. */
#include "mail/params.h"

#include <errno.h>

int
params_path(struct str args, struct str word, bool strict, struct arena *a,
    struct addr *ret, struct str *ret_params)
{
	struct str rest;
	const char *why;
	size_t used;

	if (!str_has_prefix_case(args, word))
		return -EINVAL;
	rest = str_from(args, word.len);
	if (!strict)
		while (rest.len > 0 && str_is_blank_char(rest.p[0]))
			rest = str_from(rest, 1);
	if (rest.len == 0 || rest.p[0] != ':')
		return -EINVAL;
	rest = str_from(rest, 1);
	if (!strict)
		while (rest.len > 0 && str_is_blank_char(rest.p[0]))
			rest = str_from(rest, 1);
	if (rest.len == 0)
		return -EINVAL;
	if (addr_parse_path(rest, strict, a, ret, &used, &why) < 0)
		return -EBADMSG;
	rest = str_from(rest, used);
	if (rest.len > 0 && !str_is_blank_char(rest.p[0]))
		return -EBADMSG;
	*ret_params = str_trim(rest);
	return 0;
}

static int
parse_size(struct str value, struct params *p, const char **ret_why)
{
	int r = str_parse_u64(value, PARAMS_SIZE_MAX, &p->size);

	if (r == -EINVAL || value.len > 20) {
		*ret_why = "Bad message size syntax";
		return -EINVAL;
	}
	if (r < 0)
		p->size = PARAMS_SIZE_MAX;
	p->has_size = true;
	return 0;
}

static int
parse_body(struct str value, struct params *p, const char **ret_why)
{
	if (str_eq_case(value, STR("8BITMIME"))) {
		p->body_8bit = true;
		return 0;
	}
	if (str_eq_case(value, STR("7BIT")))
		return 0;
	*ret_why = "Unsupported message body type";
	return -EINVAL;
}

int
params_mail(struct str text, struct params *ret, struct str *ret_bad,
    const char **ret_why)
{
	struct params p = {0};

	for (;;) {
		struct str word = str_word(&text, " \t");
		struct str name, value;
		int r;

		if (word.len == 0)
			break;
		*ret_bad = word;
		str_cut(word, '=', &name, &value);
		if (str_eq_case(name, STR("SIZE")))
			r = parse_size(value, &p, ret_why);
		else if (str_eq_case(name, STR("BODY")))
			r = parse_body(value, &p, ret_why);
		else
			r = -EOPNOTSUPP;
		if (r < 0)
			return r;
	}
	*ret = p;
	return 0;
}
