/* SPDX-License-Identifier: ISC */
/* params - parsing what stands behind MAIL and RCPT. */
#include "mail/params.h"

#include "mail/dsn.h"

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

/* RFC 3461 sections 4.3 and 4.4: each at most once. */
static int
parse_ret(struct str value, struct params *p, const char **ret_why)
{
	p->has_dsn = true;
	if (p->ret == 0 && dsn_ret_parse(value, &p->ret) == 0)
		return 0;
	*ret_why = "Bad RET parameter syntax";
	return -EINVAL;
}

static int
parse_envid(
    struct str value, struct arena *a, struct params *p, const char **ret_why)
{
	p->has_dsn = true;
	if (p->envid.len == 0 && dsn_envid_parse(value, a, &p->envid) == 0)
		return 0;
	*ret_why = "Bad ENVID parameter syntax";
	return -EINVAL;
}

/* RFC 4954 section 5: xtext of a mailbox, or "<>". */
static int
parse_auth(
    struct str value, struct arena *a, struct params *p, const char **ret_why)
{
	if (p->has_auth) {
		*ret_why = "Error: multiple AUTH= options";
		return -EINVAL;
	}
	p->has_auth = true;
	if (str_eq(value, STR("<>")))
		return 0;
	if (value.len > 0 && dsn_xtext_decode(value, a, &p->auth) == 0 &&
	    p->auth.len <= ADDR_MAX)
		return 0;
	*ret_why = "Bad AUTH parameter syntax";
	return -EINVAL;
}

int
params_mail(struct str text, struct arena *a, struct params *ret,
    struct str *ret_bad, const char **ret_why)
{
	struct params p = {.envid = STR_NONE, .auth = STR_NONE};

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
		else if (str_eq_case(name, STR("RET")))
			r = parse_ret(value, &p, ret_why);
		else if (str_eq_case(name, STR("ENVID")))
			r = parse_envid(value, a, &p, ret_why);
		else if (str_eq_case(name, STR("AUTH")))
			r = parse_auth(value, a, &p, ret_why);
		else
			r = -EOPNOTSUPP;
		if (r < 0)
			return r;
	}
	*ret = p;
	return 0;
}

/* Sections 4.1 and 4.2. */
static int
parse_notify(struct str value, struct params_rcpt *p, const char **ret_why)
{
	if (p->notify == 0 && dsn_notify_parse(value, &p->notify) == 0)
		return 0;
	*ret_why = "Bad NOTIFY parameter syntax";
	return -EINVAL;
}

static int
parse_orcpt(struct str value, struct arena *a, struct params_rcpt *p,
    const char **ret_why)
{
	if (p->orcpt.len == 0 && dsn_orcpt_parse(value, a, &p->orcpt) == 0)
		return 0;
	*ret_why = "Bad ORCPT parameter syntax";
	return -EINVAL;
}

int
params_rcpt(struct str text, struct arena *a, struct params_rcpt *ret,
    struct str *ret_bad, const char **ret_why)
{
	struct params_rcpt p = {.orcpt = STR_NONE};
	struct str word;

	while ((word = str_word(&text, " \t")).len > 0) {
		struct str name, value;
		int r;

		*ret_bad = word;
		str_cut(word, '=', &name, &value);
		if (str_eq_case(name, STR("NOTIFY")))
			r = parse_notify(value, &p, ret_why);
		else if (str_eq_case(name, STR("ORCPT")))
			r = parse_orcpt(value, a, &p, ret_why);
		else
			return -EOPNOTSUPP;
		if (r < 0)
			return r;
		p.has_dsn = true;
	}
	*ret = p;
	return 0;
}
