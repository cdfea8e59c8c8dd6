/* SPDX-License-Identifier: ISC */
/* checks - the right side of a table of header_checks(5).  Owns nothing. */
#include "mail/checks.h"

#include "mail/addr.h"
#include "mail/header.h"

/* What must stand behind a word. */
enum behind {
	BEHIND_ANYTHING,
	BEHIND_ADDRESS,
	BEHIND_TRANSPORT,
	BEHIND_LINE, /* a field where a field was asked about */
};

static const struct verb {
	const char *name;
	enum checks_verb verb;
	enum behind behind;
	const char *word; /* for the log */
} verbs[] = {
    {"BCC", CHECKS_BCC, BEHIND_ADDRESS, "bcc"},
    {"DISCARD", CHECKS_DISCARD, BEHIND_ANYTHING, "discard"},
    {"DUNNO", CHECKS_DUNNO, BEHIND_ANYTHING, NULL},
    {"FILTER", CHECKS_FILTER, BEHIND_TRANSPORT, "filter"},
    {"HOLD", CHECKS_HOLD, BEHIND_ANYTHING, "hold"},
    {"IGNORE", CHECKS_IGNORE, BEHIND_ANYTHING, NULL},
    {"INFO", CHECKS_INFO, BEHIND_ANYTHING, "info"},
    {"OK", CHECKS_DUNNO, BEHIND_ANYTHING, NULL}, /* of old */
    {"PASS", CHECKS_PASS, BEHIND_ANYTHING, "pass"},
    {"PREPEND", CHECKS_PREPEND, BEHIND_LINE, "prepend"},
    {"REDIRECT", CHECKS_REDIRECT, BEHIND_ADDRESS, "redirect"},
    {"REJECT", CHECKS_REJECT, BEHIND_ANYTHING, "reject"},
    {"REPLACE", CHECKS_REPLACE, BEHIND_LINE, "replace"},
    {"STRIP", CHECKS_STRIP, BEHIND_ANYTHING, "strip"},
    {"WARN", CHECKS_WARN, BEHIND_ANYTHING, "warning"},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* One field, which may be folded. */
static bool
is_field(struct str text)
{
	struct str rest = text, line;
	struct header h;

	if (!str_line(&rest, &line) || !header_parse_line(line, &h) ||
	    str_has_suffix(text, STR("\n")))
		return false;
	while (str_line(&rest, &line))
		if (!header_is_folded(line))
			return false;
	return true;
}

static const char *
check_line(struct str text, bool is_header)
{
	if (text.len == 0)
		return "a text is missing";
	if (is_header)
		return is_field(text) ? NULL
		                      : "not a header field, \"name: value\"";
	return str_has_char(text, '\n') ? "more than a line" : NULL;
}

static const char *
check_behind(enum behind behind, struct str text, bool is_header)
{
	struct addr a;

	switch (behind) {
	case BEHIND_ANYTHING:
		return NULL;
	case BEHIND_ADDRESS:
		return addr_parse(text, &a) == 0 && a.domain.len > 0
		           ? NULL
		           : "not an address, user@domain";
	case BEHIND_TRANSPORT:
		return str_find(text, ':') > 0 && !str_has_char(text, '\n')
		           ? NULL
		           : "not a transport:destination";
	case BEHIND_LINE:
		break;
	}
	return check_line(text, is_header);
}

const char *
checks_parse(struct str value, bool is_header, struct checks_action *ret)
{
	struct str rest = value, name = str_word(&rest, " \t");

	for (size_t i = 0; i < VERBS; i++) {
		const struct verb *v = &verbs[i];
		const char *why;

		if (!str_eq_case(name, str_c(v->name)))
			continue;
		*ret = (struct checks_action){v->verb, str_trim(rest)};
		why = check_behind(v->behind, ret->text, is_header);
		return why;
	}
	return "not an action";
}

const char *
checks_word(enum checks_verb verb)
{
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].verb == verb)
			return verbs[i].word;
	return NULL;
}
