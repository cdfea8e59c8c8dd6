/* SPDX-License-Identifier: ISC */
/*
 * access - the check_..._access tables: which keys a client, a name, an
 * address has.
 */
#include "access.h"

#include "ccert.h"
#include "check.h"

#include "base/log.h"
#include "mail/addr.h"

#include <string.h>

static bool
ask(struct check *c, const struct rule *r, struct str key,
    struct access_answer *ret)
{
	if (ret->find != FIND_NO || key.len == 0 || key.len > DICT_KEY_MAX)
		return ret->find != FIND_NO;
	ret->find = dict_get(r->table, key, c->a, &ret->value);
	return ret->find != FIND_NO;
}

/* parent_domain_matches_subdomains: "example.com" speaks for hosts in it. */
static bool
parents_match(const struct check *c)
{
	return conf_has_word(c->s->server->conf,
	    PARAM_parent_domain_matches_subdomains, STR("smtpd_access_maps"));
}

/* The name, then what it lies in: "a.b.c", "b.c", "c" (or ".b.c", ".c"). */
void
access_domain(struct check *c, const struct rule *r, struct str name,
    struct access_answer *ret)
{
	bool bare = parents_match(c);

	if (ask(c, r, name, ret) || dict_is_pattern(r->table) ||
	    addr_is_literal(name))
		return;
	for (;;) {
		ptrdiff_t dot = str_find(str_from(name, 1), '.');

		if (dot < 0)
			return;
		name = str_from(name, (size_t)dot + 1);
		if (name.len < 2 ||
		    ask(c, r, bare ? str_from(name, 1) : name, ret))
			return;
		if (bare)
			name = str_from(name, 1);
	}
}

/* "1.2.3.4", "1.2.3", "1.2", "1"; "1:2:3::4", "1:2:3", ... */
void
access_ip(struct check *c, const struct rule *r, const struct ip *ip,
    struct access_answer *ret)
{
	char text[IP_TEXT_MAX];
	char sep = ip->family == 4 ? '.' : ':';
	struct str key;

	ip_format(ip, text);
	key = arena_str(c->a, str_c(text));

	if (ask(c, r, key, ret) || dict_is_pattern(r->table))
		return;
	for (;;) {
		ptrdiff_t at = str_find_last(key, sep);

		if (at <= 0)
			return;
		key = str_sub(key, 0, (size_t)at);
		while (key.len > 0 && key.p[key.len - 1] == sep)
			key.len--;
		if (ask(c, r, key, ret))
			return;
	}
}

/*
 * "user+ext@domain", "user@domain", the domain and its parents, "user+ext@",
 * "user@"; the null sender by a key of its own.
 */
static void
ask_address(struct check *c, const struct rule *r, struct addr addr,
    struct access_answer *ret)
{
	const struct conf *conf = c->s->server->conf;
	struct str user, ext;
	bool has_ext;

	if (addr_is_null(addr)) {
		ask(c, r, conf_str(conf, PARAM_smtpd_null_access_lookup_key),
		    ret);
		return;
	}
	if (ask(c, r, addr.text, ret) || dict_is_pattern(r->table))
		return;
	has_ext = addr_split_ext(
	    addr.local, conf_str(conf, PARAM_recipient_delimiter), &user, &ext);
	if (has_ext && addr.domain.len > 0 &&
	    ask(c, r,
		arena_strf(
		    c->a, "%.*s@%.*s", STR_ARG(user), STR_ARG(addr.domain)),
		ret))
		return;
	if (addr.domain.len > 0)
		access_domain(c, r, addr.domain, ret);
	if (ask(c, r, arena_join(c->a, addr.local, STR("@")), ret))
		return;
	if (has_ext)
		ask(c, r, arena_join(c->a, user, STR("@")), ret);
}

enum verdict
access_act(struct check *c, const struct rule *r,
    const struct access_answer *answer, enum subject about)
{
	switch (answer->find) {
	case FIND_YES:
		return action_do(c, r, answer->value, about);
	case FIND_NO:
		return VERDICT_DUNNO;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	/* SECURITY: a table that cannot answer never permits. */
	log_warning("%.*s: table lookup problem", STR_ARG(r->arg));
	return check_refuse_config(c, about);
}

enum verdict
access_check(struct check *c, const struct rule *r)
{
	const struct session *s = c->s;
	struct access_answer answer = {.find = FIND_NO};
	enum subject about = check_subject(c);

	if (r->what == RESTRICTION_check_client_access) {
		about = SUBJECT_CLIENT;
		access_domain(c, r, s->client.name, &answer);
		access_ip(c, r, &s->client.ip, &answer);
	} else if (r->what == RESTRICTION_check_ccert_access) {
		about = SUBJECT_CLIENT;
		ask(c, r, ccert_print(s, TLS_OF_CERT, c->a), &answer);
		ask(c, r, ccert_print(s, TLS_OF_KEY, c->a), &answer);
	} else if (r->what ==
		   RESTRICTION_check_reverse_client_hostname_access) {
		about = SUBJECT_REVERSE;
		access_domain(c, r, s->client.reverse, &answer);
	} else if (r->what == RESTRICTION_check_helo_access) {
		about = SUBJECT_HELO;
		if (s->helo.len > 0)
			access_domain(c, r, buf_str(&s->helo), &answer);
	} else if (r->what == RESTRICTION_check_sender_access) {
		about = SUBJECT_SENDER;
		if (s->txn.has_sender)
			ask_address(c, r, s->txn.sender, &answer);
	} else if (r->what == RESTRICTION_check_recipient_access) {
		about = SUBJECT_RECIPIENT;
		if (c->recipient != NULL)
			ask_address(c, r, *c->recipient, &answer);
	} else if (r->what == RESTRICTION_check_sasl_access) {
		about = SUBJECT_LOGIN;
		ask(c, r, s->login.user, &answer);
	} else
		return hosts_check(c, r);
	return access_act(c, r, &answer, about);
}
