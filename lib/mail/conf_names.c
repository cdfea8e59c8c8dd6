/* SPDX-License-Identifier: ISC */
/*
 * conf_names - which names of main.cf and of -o in master.cf does nobody
 * know?
 *
 * A name is known when it is a parameter, a transport's parameter, a class
 * of restrictions, or when another value refers to it.  What is left is most
 * often a slip of the pen: near a parameter's name it is an error, because
 * the line that should have kept a door shut does not; else a warning.
 */
#include "mail/conf_body.h"
#include "mail/master_cf.h"

struct names {
	struct map used;
	struct map services;
	bool has_services;
};

static void
use_name(void *arg, struct str name)
{
	struct names *n = arg;

	(void)map_put(&n->used, name, n);
}

/* The classes that a value of smtpd_restriction_classes names. */
static void
use_classes(struct names *n, struct str value)
{
	struct str name;

	while (!str_is_empty(name = str_word(&value, ", \t\r\n")))
		use_name(n, name);
}

static void
use_setting(struct names *n, const struct conf_setting *s)
{
	conf_names_in(s->value, use_name, n);
	if (str_eq(s->name, STR("smtpd_restriction_classes")))
		use_classes(n, s->value);
}

static void
check_name(
    const struct names *n, const struct conf_setting *s, struct conf_remarks *r)
{
	struct str transport;
	enum param p;

	if (param_find(s->name, &p) || map_get(&n->used, s->name) != NULL)
		return;
	if (param_find_transport(s->name, &transport, &p)) {
		if (n->has_services && map_get(&n->services, transport) == NULL)
			conf_remark(r, CONF_WARNING, s,
			    "%.*s: there is no service %.*s in master.cf",
			    STR_ARG(s->name), STR_ARG(transport));
		return;
	}
	const char *near = param_suggest(s->name);
	if (near != NULL)
		conf_remark(r, CONF_ERROR, s,
		    "%.*s: unknown parameter: did you mean %s?",
		    STR_ARG(s->name), near);
	else if (!str_has_prefix(s->value, STR("unix:"))) /* conf_endpoint */
		conf_remark(r, CONF_WARNING, s,
		    "%.*s: unknown parameter, to which no other value refers",
		    STR_ARG(s->name));
}

static void
use_services(struct names *n, const struct master_cf *m)
{
	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *s = master_cf_at(m, i);
		(void)map_put(&n->services, s->name, n);
		for (size_t j = 0; j < s->nsettings; j++)
			use_setting(n, &s->settings[j]);
	}
}

void
conf_check_names(const struct conf *c, struct str text, struct conf_remarks *r)
{
	/* What is wrong with master.cf is said by those who read it. */
	struct master_cf *m =
	    master_cf_from_text(text, STR("master.cf"), 1, NULL, NULL);
	struct names n = {.has_services = text.len > 0 && m != NULL};

	map_init(&n.used);
	map_init(&n.services);
	for (size_t i = 0; i < c->count; i++)
		use_setting(&n, &c->sorted[i]->set);
	if (m != NULL)
		use_services(&n, m);
	for (size_t i = 0; i < c->count; i++)
		check_name(&n, &c->sorted[i]->set, r);
	map_done(&n.used);
	map_done(&n.services);
	master_cf_free(&m);
}
