/* SPDX-License-Identifier: ISC */
/*
 * conf_check - what programs would make of a configuration: restrictions,
 * tables, the guard against open relaying, what does not work yet.
 */
#include "mail/notice_class.h"
#include "mail/conf_body.h"

#include "dict/dict.h"
#include "mail/near.h"
#include "mail/restriction.h"
#include "net/endpoint.h"
#include "net/ip.h"

#include <errno.h>

static const struct conf_setting *
place_of(const struct conf *c, enum param p)
{
	const struct conf_entry *entry =
	    conf_entry(c, str_c(param_table[p].name));

	return entry != NULL ? &entry->set : NULL;
}

/* "hash" of "hash:/etc/aliases"; empty when there is no type. */
static struct str
type_of(struct str table)
{
	struct str type;

	if (!str_cut(table, ':', &type, NULL))
		return STR_NONE;
	return type;
}

static bool
is_type(struct str type)
{
	const char *known;

	if (str_eq(type, STR("proxy")) || str_eq(type, STR("hash")) ||
	    str_eq(type, STR("btree")))
		return true;
	for (size_t i = 0; (known = dict_type_name(i)) != NULL; i++)
		if (str_eq(type, str_c(known)))
			return true;
	return false;
}

static void
check_table(struct str table, struct str name, const struct conf_setting *at,
    struct conf_remarks *r)
{
	struct str type = type_of(table);

	while (str_eq(type, STR("proxy"))) {
		table = str_from(table, sizeof("proxy:") - 1);
		type = type_of(table);
	}
	if (str_is_empty(type) || is_type(type))
		return;
	conf_remark(r, CONF_ERROR, at,
	    "%.*s: there is no table type \"%.*s\" (in %.*s): postconf -m "
	    "lists those there are",
	    STR_ARG(name), STR_ARG(type), STR_ARG(table));
}

static bool
is_class(const struct conf *c, struct str name)
{
	struct str rest = conf_str(c, PARAM_smtpd_restriction_classes), item;

	while (dict_list_next(&rest, &item) == 0 && !str_is_empty(item))
		if (str_eq(item, name))
			return true;
	return false;
}

static const char *
suggest_restriction(struct str name)
{
	unsigned limit = near_limit(name), best = limit + 1;
	const char *found = NULL;

	for (size_t i = 0; i < RESTRICTION_COUNT && best > 0; i++) {
		unsigned d = near_distance(
		    name, str_c(restriction_table[i].name), best - 1);
		if (d >= best)
			continue;
		best = d;
		found = restriction_table[i].name;
	}
	return found;
}

struct list {
	const struct conf *c;
	struct str name; /* of the parameter */
	const struct conf_setting *at;
	struct conf_remarks *r;
	bool has_guard;
	bool warns_only; /* the word before was warn_if_reject */
};

/* "inet:host:port", or that and what smtpd says of the rest at its start. */
static void
check_service(struct list *l, const struct restriction_row *row, struct str arg)
{
	struct str service = STR_NONE;
	struct endpoint e;
	const char *why = "no service";

	if (dict_list_next(&arg, &service) == 0 &&
	    endpoint_parse(service, &e, &why) == 0)
		return;
	conf_remark(l->r, CONF_ERROR, l->at, "%.*s: %s %.*s: %s",
	    STR_ARG(l->name), row->name, STR_ARG(service), why);
}

/* The argument behind a restriction that takes one. */
static void
check_argument(
    struct list *l, const struct restriction_row *row, struct str *rest)
{
	struct str arg;

	if (row->arg == RESTRICTION_NOTHING)
		return;
	if (dict_list_next(rest, &arg) != 0 || str_is_empty(arg)) {
		conf_remark(l->r, CONF_ERROR, l->at,
		    "%.*s: nothing stands behind %s", STR_ARG(l->name),
		    row->name);
		return;
	}
	if (row->arg == RESTRICTION_SERVICE)
		check_service(l, row, arg);
	if (row->arg != RESTRICTION_TABLE)
		return;
	if (str_is_empty(type_of(arg)))
		conf_remark(l->r, CONF_ERROR, l->at,
		    "%.*s: behind %s must stand a table, type:name, not "
		    "\"%.*s\"",
		    STR_ARG(l->name), row->name, STR_ARG(arg));
	else if (row->gone == NULL)
		check_table(arg, l->name, l->at, l->r);
}

static void
check_restriction(struct list *l, struct str item, struct str *rest)
{
	enum restriction what;

	if (!restriction_find(item, &what)) {
		if (is_class(l->c, item))
			return;
		if (str_has_char(item, ':')) {
			check_table(item, l->name, l->at, l->r);
			return;
		}
		const char *near = suggest_restriction(item);
		conf_remark(l->r, CONF_ERROR, l->at,
		    "%.*s: unknown restriction \"%.*s\"%s%s%s",
		    STR_ARG(l->name), STR_ARG(item),
		    near != NULL ? ": did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
		return;
	}
	const struct restriction_row *row = &restriction_table[what];
	/* Behind warn_if_reject nothing is refused. */
	l->has_guard |= restriction_is_guard(what) && !l->warns_only;
	l->warns_only = what == RESTRICTION_warn_if_reject;
	if (row->gone != NULL)
		conf_remark(l->r, CONF_WARNING, l->at,
		    "%.*s: %s has no effect: %s", STR_ARG(l->name), row->name,
		    row->gone);
	check_argument(l, row, rest);
}

/* True when the list holds a guard against relaying. */
static bool
check_restrictions(const struct conf *c, struct str name, struct str text,
    const struct conf_setting *at, struct conf_remarks *r)
{
	struct list l = {.c = c, .name = name, .at = at, .r = r};
	struct str item;

	while (dict_list_next(&text, &item) == 0 && !str_is_empty(item))
		check_restriction(&l, item, &text);
	return l.has_guard;
}

static void
check_classes(const struct conf *c, struct conf_remarks *r)
{
	const struct conf_setting *at =
	    place_of(c, PARAM_smtpd_restriction_classes);
	struct str rest = conf_str(c, PARAM_smtpd_restriction_classes), name;

	while (dict_list_next(&rest, &name) == 0 && !str_is_empty(name)) {
		const struct conf_entry *entry = conf_entry(c, name);
		if (entry == NULL) {
			conf_remark(r, CONF_ERROR, at,
			    "smtpd_restriction_classes: nothing says what "
			    "%.*s is",
			    STR_ARG(name));
			continue;
		}
		if (!entry->value.is_wrong)
			(void)check_restrictions(
			    c, name, entry->value.text, &entry->set, r);
	}
}

/* Does a class that the list names hold a guard? */
static bool
has_guarding_class(const struct conf *c, struct str text)
{
	struct str item, value;
	struct conf_remarks quiet = {0};

	while (dict_list_next(&text, &item) == 0 && !str_is_empty(item))
		if (is_class(c, item) && conf_by_name(c, item, &value) &&
		    check_restrictions(c, item, value, NULL, &quiet))
			return true;
	return false;
}

static bool
has_guard(const struct conf *c, enum param p)
{
	struct conf_remarks quiet = {0};
	struct str name = str_c(param_table[p].name), text = conf_str(c, p);

	return check_restrictions(c, name, text, NULL, &quiet) ||
	       has_guarding_class(c, text);
}

static void
check_guard(
    const struct conf *c, const struct conf_setting *at, struct conf_remarks *r)
{
	if (c->values[PARAM_smtpd_relay_restrictions].is_wrong ||
	    c->values[PARAM_smtpd_recipient_restrictions].is_wrong)
		return; /* what it was to be nobody knows */
	if (has_guard(c, PARAM_smtpd_relay_restrictions) ||
	    has_guard(c, PARAM_smtpd_recipient_restrictions))
		return;
	/* SECURITY: without one of these strangers could relay; smtpd takes
	 * no recipient then, so say it now. */
	conf_remark(r, CONF_ERROR, at,
	    "smtpd_relay_restrictions or smtpd_recipient_restrictions must "
	    "hold reject_unauth_destination or defer_unauth_destination (or "
	    "reject, defer), else anyone could send to anywhere");
}

static void
check_tables(struct str list, struct str name, const struct conf_setting *at,
    struct conf_remarks *r)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item))
		check_table(item, name, at, r);
}

/* "10.0.0.1/8" would trust more, or less, than it says. */
static void
check_network(struct str item, struct str name, const struct conf_setting *at,
    struct conf_remarks *r)
{
	struct ip_block block, fixed;
	char text[IP_TEXT_MAX];

	if (str_has_prefix(item, STR("!")))
		item = str_from(item, 1);
	if (str_has_prefix(item, STR("/")) || is_type(type_of(item)))
		return;
	int error = ip_block_parse(item, &block, &fixed);
	if (error == -ERANGE) {
		ip_format(&fixed.ip, text);
		conf_remark(r, CONF_ERROR, at,
		    "%.*s: %.*s has bits set behind its prefix: is %s/%u "
		    "meant?",
		    STR_ARG(name), STR_ARG(item), text, fixed.bits);
	} else if (error != 0) {
		conf_remark(r, CONF_ERROR, at,
		    "%.*s: %.*s is not a network (10.0.0.0/8, [fd00::]/8), a "
		    "table or a file",
		    STR_ARG(name), STR_ARG(item));
	}
}

static void
check_networks(struct str list, struct str name, const struct conf_setting *at,
    struct conf_remarks *r)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item))
		check_network(item, name, at, r);
}

/* Set to what it is by default: nothing is missed. */
static bool
is_default(const struct conf *c, const struct param_row *row, struct str value)
{
	BUF_CLEANUP struct buf set = {0}, def = {0};
	const char *why;
	buf_init(&set, CONF_VALUE_MAX);
	buf_init(&def, CONF_VALUE_MAX);

	return conf_expand_to(c, value, &set, &why) == 0 &&
	       conf_expand_to(c, str_c(row->def), &def, &why) == 0 &&
	       str_eq_case(str_trim(buf_str(&set)), str_trim(buf_str(&def)));
}

static void
check_notices(
    struct str list, const struct conf_setting *at, struct conf_remarks *r)
{
	struct str bad;

	(void)notice_classes(list, &bad);
	if (bad.len > 0)
		conf_remark(r, CONF_ERROR, at,
		    "notify_classes: %.*s is none of bounce, 2bounce, data, "
		    "delay, policy, protocol, resource, software",
		    STR_ARG(bad));
}

static void
check_use(const struct conf *c, enum param p, const struct conf_setting *s,
    struct conf_remarks *r)
{
	struct str text = conf_str(c, p);

	if (c->values[p].is_wrong)
		return;
	if (p == PARAM_mynetworks)
		check_networks(text, s->name, s, r);
	else if (p == PARAM_notify_classes)
		check_notices(text, s, r);
	else if (param_table[p].type == PARAM_MAPS)
		check_tables(text, s->name, s, r);
	else if (param_table[p].type == PARAM_RESTRICTIONS)
		(void)check_restrictions(c, s->name, text, s, r);
	else
		conf_check_value(c, p, s, r);
}

void
conf_check_setting(
    const struct conf *c, const struct conf_setting *s, struct conf_remarks *r)
{
	struct str transport;
	enum param p;

	if (param_find(s->name, &p) && param_works(p)) {
		check_use(c, p, s, r);
		return;
	}
	if (!param_find(s->name, &p) &&
	    !param_find_transport(s->name, &transport, &p))
		return;
	const struct param_row *row = &param_table[p];
	if (param_works(p) || is_default(c, row, s->value))
		return;
	conf_remark(r, row->type == PARAM_MOOT ? CONF_NOTE : CONF_WARNING, s,
	    "%.*s has no effect: %s", STR_ARG(s->name), row->text);
}

bool
conf_check(const struct conf *c, conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};

	for (size_t i = 0; i < c->count; i++)
		conf_check_setting(c, &c->sorted[i]->set, &r);
	check_classes(c, &r);
	check_guard(c, place_of(c, PARAM_smtpd_relay_restrictions), &r);
	return !r.failed && !c->is_wrong;
}

void
conf_check_overlay(const struct conf *c, const struct conf_setting *settings,
    size_t n, struct conf_remarks *r)
{
	for (size_t i = 0; i < n; i++)
		conf_check_setting(c, &settings[i], r);
	for (size_t i = 0; i < n; i++)
		if (str_eq(settings[i].name, STR("smtpd_relay_restrictions"))) {
			check_guard(c, &settings[i], r);
			return;
		}
}

/* Tables and files of one list. */
static void
each_table_in(struct str list, conf_table_fn each, void *arg)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item)) {
		if (item.p[0] == '!')
			item = str_from(item, 1);
		if (str_has_prefix(item, STR("/")) || is_type(type_of(item)))
			each(arg, item);
	}
}

void
conf_each_table(
    const struct conf *c, unsigned users, conf_table_fn each, void *arg)
{
	for (unsigned i = 0; i < PARAM_COUNT; i++) {
		const struct param_row *row = &param_table[i];
		bool holds_tables = row->type == PARAM_LIST ||
		                    row->type == PARAM_MAPS ||
		                    row->type == PARAM_RESTRICTIONS;
		if (holds_tables && (row->users & users) != 0)
			each_table_in(c->values[i].text, each, arg);
	}
	if (c->cleanup != NULL)
		conf_each_table(c->cleanup, users & USER_TAKERS, each, arg);
	if ((users & USER_SMTPD) == 0)
		return;
	struct str rest = conf_str(c, PARAM_smtpd_restriction_classes), name;
	struct str value;
	while (dict_list_next(&rest, &name) == 0 && !str_is_empty(name))
		if (conf_by_name(c, name, &value))
			each_table_in(value, each, arg);
}
