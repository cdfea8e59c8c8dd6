/* SPDX-License-Identifier: ISC */
/*
 * rbl - lists in the DNS of clients and domains, black (reject_rbl_...,
 * reject_rhsbl_...) and white (permit_dnswl_client, permit_rhswl_client).
 *
 * A zone may say which answers count: "zone=127.0.0.2",
 * "zone=127.0.[1;3].[2..11]".
 */
#include "check.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/ask.h"

#include <string.h>

/* Is `byte` in "7", "[1;3]", "[2..11]", "[1;4..6]"? */
static bool
has_octet(struct str set, uint8_t byte)
{
	if (set.len >= 2 && set.p[0] == '[' && set.p[set.len - 1] == ']')
		set = str_sub(set, 1, set.len - 2);
	while (set.len > 0) {
		struct str part = str_word(&set, ";");
		ptrdiff_t dots = str_find_str(part, STR(".."));
		struct str from =
		    dots < 0 ? part : str_sub(part, 0, (size_t)dots);
		struct str to =
		    dots < 0 ? part : str_from(part, (size_t)dots + 2);
		uint64_t low, high;

		if (str_parse_u64(from, 255, &low) == 0 &&
		    str_parse_u64(to, 255, &high) == 0 && byte >= low &&
		    byte <= high)
			return true;
	}
	return false;
}

/* The next octet of a pattern: up to a '.' outside []. */
static struct str
take_octet(struct str *rest)
{
	bool inside = false;
	size_t n = 0;
	struct str octet;

	for (; n < rest->len && (inside || rest->p[n] != '.'); n++) {
		if (rest->p[n] == '[')
			inside = true;
		else if (rest->p[n] == ']')
			inside = false;
	}
	octet = str_sub(*rest, 0, n);
	*rest = str_from(*rest, n < rest->len ? n + 1 : n);
	return octet;
}

static bool
matches(struct str pattern, const char bytes[4])
{
	for (size_t i = 0; i < 4; i++)
		if (!has_octet(take_octet(&pattern), (uint8_t)bytes[i]))
			return false;
	return pattern.len == 0;
}

static bool
has_match(const struct dns_answer *answer, struct str pattern)
{
	for (size_t i = 0; i < answer->records.n; i++) {
		struct str data = ask_dns_record(answer, i)->data;

		if (data.len == 4 &&
		    (pattern.len == 0 || matches(pattern, data.p)))
			return true;
	}
	return false;
}

static enum find
look_up(struct check *c, struct str key, struct str zone, struct str pattern)
{
	struct dns_answer answer;
	struct str name =
	    arena_strf(c->a, "%.*s.%.*s", STR_ARG(key), STR_ARG(zone));
	enum find found;

	if (name.len > DNS_ASK_MAX)
		return FIND_NO;
	found = ask_dns(c->s->server->dns, name, DNS_A, c->a, &answer);
	if (found != FIND_YES)
		return found;
	return has_match(&answer, pattern) ? FIND_YES : FIND_NO;
}

static enum verdict
refuse_listed(struct check *c, struct str key, struct str zone,
    enum subject about, struct str what)
{
	struct dns_answer answer;
	struct str name =
	    arena_strf(c->a, "%.*s.%.*s", STR_ARG(key), STR_ARG(zone));
	struct str text = STR_NONE;

	if (ask_dns(c->s->server->dns, name, DNS_TXT, c->a, &answer) ==
	    FIND_YES)
		text = str_sub(ask_dns_record(&answer, 0)->data, 0, 300);
	int64_t code = conf_int(c->s->server->conf, PARAM_maps_rbl_reject_code);

	return check_refuse(c, (unsigned)code, "5.7.1",
	    "Service unavailable; %s [%.*s] blocked using %.*s%s%.*s",
	    check_class(about), STR_ARG(what), STR_ARG(zone),
	    text.len > 0 ? "; " : "", STR_ARG(text));
}

/* What is asked for, and how the reply calls it; an empty key: nothing. */
static void
choose_key(struct check *c, enum restriction what, struct str *ret_key,
    struct str *ret_name, enum subject *ret_about)
{
	const struct session *s = c->s;
	struct str none = STR_NONE;

	*ret_about = SUBJECT_CLIENT;
	*ret_name = s->client.address;
	*ret_key = STR_NONE;
	if (what == RESTRICTION_reject_rbl_client ||
	    what == RESTRICTION_permit_dnswl_client) {
		struct str key =
		    client_reverse_name(&s->client.ip, none, none, c->a);

		/* Without the zone a dot is left at the end. */
		*ret_key = str_sub(key, 0, key.len - 1);
	} else if (what == RESTRICTION_reject_rhsbl_client ||
		   what == RESTRICTION_permit_rhswl_client) {
		if (s->client.status == CLIENT_KNOWN)
			*ret_name = *ret_key = s->client.name;
	} else if (what == RESTRICTION_reject_rhsbl_reverse_client) {
		*ret_about = SUBJECT_REVERSE;
		if (s->client.reverse_status == CLIENT_KNOWN)
			*ret_name = *ret_key = s->client.reverse;
	} else if (what == RESTRICTION_reject_rhsbl_helo) {
		*ret_about = SUBJECT_HELO;
		*ret_name = *ret_key = buf_str(&s->helo);
	} else if (what == RESTRICTION_reject_rhsbl_sender) {
		*ret_about = SUBJECT_SENDER;
		*ret_name = s->txn.sender.text;
		*ret_key = s->txn.sender.domain;
	} else if (what == RESTRICTION_reject_rhsbl_recipient &&
		   c->recipient != NULL) {
		*ret_about = SUBJECT_RECIPIENT;
		*ret_name = c->recipient->text;
		*ret_key = c->recipient->domain;
	}
}

/* SECURITY: somebody else's list never opens the relay. */
static enum verdict
permit_listed(struct check *c)
{
	if (c->list != RULES_RELAY && c->list != RULES_RECIPIENT)
		return VERDICT_PERMIT;
	if (c->recipient == NULL || relay_find_ours(c) != FIND_YES)
		return VERDICT_DUNNO;
	return VERDICT_PERMIT;
}

enum verdict
rbl_check(struct check *c, const struct rule *r)
{
	bool is_white = r->what == RESTRICTION_permit_dnswl_client ||
	                r->what == RESTRICTION_permit_rhswl_client;
	struct str key, name, zone, pattern;
	enum subject about;

	choose_key(c, r->what, &key, &name, &about);
	str_cut(r->arg, '=', &zone, &pattern);
	if (key.len == 0 || addr_is_literal(key))
		return VERDICT_DUNNO;
	switch (look_up(c, key, zone, pattern)) {
	case FIND_YES:
		return is_white ? permit_listed(c)
		                : refuse_listed(c, key, zone, about, name);
	case FIND_NO:
		return VERDICT_DUNNO;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	log_warning("%.*s.%.*s: RBL lookup error: could not ask", STR_ARG(key),
	    STR_ARG(zone));
	if (is_white)
		check_defer_if_reject(c, STR("4.7.0"), check_subject(c),
		    STR("Allowlist lookup error"));
	return VERDICT_DUNNO;
}
