/* SPDX-License-Identifier: ISC */
/* dovecot_line - from a server's line to what it says. */
#include "dovecot_line.h"

#include "mail/bounds.h"

#include <errno.h>

static const struct {
	const char *name;
	unsigned bit;
} properties[] = {
    {"anonymous", DOVECOT_ANONYMOUS},
    {"plaintext", DOVECOT_PLAINTEXT},
    {"dictionary", DOVECOT_DICTIONARY},
    {"active", DOVECOT_ACTIVE},
    {"forward-secrecy", DOVECOT_FORWARD_SECRECY},
    {"mutual-auth", DOVECOT_MUTUAL_AUTH},
    {"private", DOVECOT_PRIVATE},
};

/* False: there is none left. */
static bool
next_field(struct str *rest, struct str *ret)
{
	if (rest->len == 0)
		return false;
	str_cut(*rest, '\t', ret, rest);
	return true;
}

bool
dovecot_is_base64(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (!str_is_alnum_char(c) && c != '+' && c != '/' && c != '=')
			return false;
	}
	return true;
}

static bool
is_printable(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	return true;
}

/* SOH and '0', '1', 't', 'r', 'n'; another letter stands for itself. */
static struct str
unescape(struct str text, struct arena *a)
{
	static const char bytes[] = "\0\1\t\r\n";
	char *out;
	size_t n = 0;

	if (!str_has_char(text, '\1'))
		return text;
	out = arena_alloc(a, text.len);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '\1' && i + 1 < text.len) {
			ptrdiff_t at = str_find(STR("01trn"), text.p[++i]);

			c = at < 0 ? text.p[i] : bytes[at];
		}
		out[n++] = c;
	}
	return str_n(out, n);
}

static int
parse_version(struct str rest, struct dovecot_line *l)
{
	struct str major, minor;

	if (!next_field(&rest, &major) || !next_field(&rest, &minor) ||
	    str_parse_u64(major, UINT32_MAX, &l->major) < 0 ||
	    str_parse_u64(minor, UINT32_MAX, &l->minor) < 0)
		return -EBADMSG;
	return 0;
}

/* RFC 4422 section 3.1: upper case, digits, '-' and '_'. */
static bool
is_mechanism(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if (!(c >= 'A' && c <= 'Z') && !str_is_digit_char(c) &&
		    c != '-' && c != '_')
			return false;
	}
	return name.len > 0 && name.len <= DOVECOT_MECHANISM_MAX;
}

static int
parse_mech(struct str rest, struct dovecot_line *l)
{
	struct str field;

	if (!next_field(&rest, &l->mechanism) || !is_mechanism(l->mechanism))
		return -EBADMSG;
	while (next_field(&rest, &field))
		for (size_t i = 0;
		     i < sizeof(properties) / sizeof(properties[0]); i++)
			if (str_eq(field, str_c(properties[i].name)))
				l->properties |= properties[i].bit;
	return 0;
}

static int
parse_id(struct str *rest, struct dovecot_line *l)
{
	struct str field;
	uint64_t id;

	if (!next_field(rest, &field) ||
	    str_parse_u64(field, UINT32_MAX, &id) < 0)
		return -EBADMSG;
	l->id = (uint32_t)id;
	return 0;
}

/* SECURITY: it becomes a name in tables, in the log and in headers. */
static int
take_user(struct str value, struct arena *a, struct dovecot_line *l)
{
	l->user = unescape(value, a);
	return l->user.len <= BOUND_NAME && is_printable(l->user) ? 0
	                                                          : -EBADMSG;
}

static int
parse_ok(struct str rest, struct arena *a, struct dovecot_line *l)
{
	struct str field;

	while (next_field(&rest, &field))
		if (str_has_prefix(field, STR("user=")) &&
		    take_user(str_from(field, 5), a, l) < 0)
			return -EBADMSG;
	return l->user.len > 0 ? 0 : -EBADMSG;
}

static int
parse_fail(struct str rest, struct arena *a, struct dovecot_line *l)
{
	struct str field;

	while (next_field(&rest, &field)) {
		if (str_has_prefix(field, STR("user="))) {
			if (take_user(str_from(field, 5), a, l) < 0)
				return -EBADMSG;
		} else if (str_has_prefix(field, STR("reason="))) {
			l->reason = str_sub(unescape(str_from(field, 7), a), 0,
			    DOVECOT_REASON_MAX);
		} else if (str_eq(field, STR("temp")) ||
			   str_eq(field, STR("code=temp_fail"))) {
			l->is_temporary = true;
		}
	}
	return 0;
}

static int
parse_cont(struct str rest, struct dovecot_line *l)
{
	l->challenge = rest;
	return dovecot_is_base64(rest) ? 0 : -EBADMSG;
}

int
dovecot_parse_line(struct str line, struct arena *a, struct dovecot_line *ret)
{
	struct dovecot_line l = {.mechanism = STR_NONE,
	    .user = STR_NONE,
	    .challenge = STR_NONE,
	    .reason = STR_NONE};
	struct str word, rest;
	int r = 0;

	str_cut(line, '\t', &word, &rest);
	if (str_eq(word, STR("VERSION"))) {
		l.kind = DOVECOT_VERSION;
		r = parse_version(rest, &l);
	} else if (str_eq(word, STR("MECH"))) {
		l.kind = DOVECOT_MECH;
		r = parse_mech(rest, &l);
	} else if (str_eq(word, STR("DONE"))) {
		l.kind = DOVECOT_DONE;
	} else if (str_eq(word, STR("OK"))) {
		l.kind = DOVECOT_OK;
		r = parse_id(&rest, &l);
		r = r < 0 ? r : parse_ok(rest, a, &l);
	} else if (str_eq(word, STR("CONT"))) {
		l.kind = DOVECOT_CONT;
		r = parse_id(&rest, &l);
		r = r < 0 ? r : parse_cont(rest, &l);
	} else if (str_eq(word, STR("FAIL"))) {
		l.kind = DOVECOT_FAIL;
		r = parse_id(&rest, &l);
		r = r < 0 ? r : parse_fail(rest, a, &l);
	}
	if (r == 0)
		*ret = l;
	return r;
}
