/* SPDX-License-Identifier: ISC */
/*
 * rules - the smtpd_*_restrictions lists, made ready: names looked up,
 * tables opened, restriction classes resolved, once at the start.
 *
 * SECURITY: a word that is not known and a table that cannot be opened become
 * a rule that refuses with a temporary error, at its place in the list; never
 * one that is skipped.
 */
#ifndef SMTPD_RULES_H
#define SMTPD_RULES_H

#include "base/arena.h"
#include "base/str.h"
#include "dict/dict.h"
#include "mail/conf.h"
#include "mail/restriction.h"
#include "policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_DEPTH_MAX 16 /* classes within classes */

enum rules_list {
	RULES_CLIENT,
	RULES_HELO,
	RULES_SENDER,
	RULES_RELAY,
	RULES_RECIPIENT,
	RULES_DATA,
	RULES_END,
	RULES_LISTS,
};

enum rule_kind {
	RULE_WORD,
	RULE_CLASS,
	RULE_BROKEN,
};

struct rules;

struct rule {
	enum rule_kind kind;
	enum restriction what; /* RULE_WORD */
	struct str name;       /* as main.cf has it */
	struct str arg;
	struct dict *table;
	struct policy *policy;
	const struct rules *class; /* RULE_CLASS */
};

struct rules {
	const struct rule *rule;
	size_t n;
	bool has_guard; /* strangers cannot relay: restriction_is_guard() */
};

struct rulebook {
	struct rules lists[RULES_LISTS];
	struct rules *classes;
	struct str *class_names;
	size_t nclasses;
	bool has_guard; /* one of the two lists that must */
	struct dict **tables;
	size_t ntables;
	struct policy **policies;
	size_t npolicies;
};

/* Everything lies in `a`, but for what rulebook_free() closes.
 * What is wrong is logged. */
struct rulebook *rulebook_new(
    const struct conf *c, const struct dict_env *env, struct arena *a);
void rulebook_free(struct rulebook **b);

/*
 * The text of an access table's right side as a list, in `a`: words without
 * tables, and classes.  What else stands there is a RULE_BROKEN.
 */
void rules_parse(const struct rulebook *b, struct str text, struct arena *a,
    struct rules *ret);

#endif
