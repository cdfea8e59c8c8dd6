/* SPDX-License-Identifier: ISC */
/*
 * conf_endpoint - the servers that are none of the suite and that a
 * configuration has programs connect to: policy services, authentication
 * servers, and sockets that LMTP servers listen on.
 */
#include "mail/conf_body.h"

#include "dict/dict.h"
#include "mail/restriction.h"

/* In a list of restrictions: "word service", or "word { service, ... }". */
static void
each_in(struct str list, conf_endpoint_fn each, void *arg)
{
	struct str item, service;
	enum restriction what;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item)) {
		if (!restriction_find(item, &what) ||
		    restriction_table[what].arg != RESTRICTION_SERVICE)
			continue;
		if (dict_list_next(&list, &item) == 0 &&
		    dict_list_next(&item, &service) == 0 &&
		    !str_is_empty(service))
			each(arg, service);
	}
}

/* "unix:path", "lmtp:unix:path", among other words. */
static void
each_socket(struct str text, conf_endpoint_fn each, void *arg)
{
	struct str word;

	while ((word = str_word(&text, ", \t\r\n{}=")).len > 0) {
		ptrdiff_t at = str_find_str(word, STR("unix:"));
		if (at == 0 || (at > 0 && word.p[at - 1] == ':'))
			each(arg, str_from(word, (size_t)at));
	}
}

/* Where transports are named, and in parameters of the administrator's own:
 * so he names what stands in a file (transport_maps). */
static void
each_transport(const struct conf *c, conf_endpoint_fn each, void *arg)
{
	for (unsigned i = 0; i < PARAM_COUNT; i++)
		if (str_has_suffix(
			str_c(param_table[i].name), STR("_transport")))
			each_socket(c->values[i].text, each, arg);
	each_socket(conf_str(c, PARAM_transport_maps), each, arg);
	for (size_t i = 0; i < c->count; i++) {
		const struct conf_entry *e = c->sorted[i];
		enum param p;
		if (!param_find(e->set.name, &p))
			each_socket(e->value.text, each, arg);
	}
}

static void
each_policy(const struct conf *c, conf_endpoint_fn each, void *arg)
{
	struct str rest = conf_str(c, PARAM_smtpd_restriction_classes);
	struct str name, value;

	for (unsigned i = 0; i < PARAM_COUNT; i++)
		if (param_table[i].type == PARAM_RESTRICTIONS)
			each_in(c->values[i].text, each, arg);
	while (dict_list_next(&rest, &name) == 0 && !str_is_empty(name))
		if (conf_by_name(c, name, &value))
			each_in(value, each, arg);
}

struct str
conf_auth_server(const struct conf *c, struct arena *a)
{
	struct str path = conf_str(c, PARAM_smtpd_sasl_path);

	if (path.len == 0 || str_has_prefix(path, STR("inet:")) ||
	    str_has_prefix(path, STR("unix:")))
		return arena_str(a, path);
	return arena_join(a, STR("unix:"), path);
}

static void
each_auth(const struct conf *c, conf_endpoint_fn each, void *arg)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str server;

	arena_init(&a, 2 * CONF_VALUE_MAX);
	server = conf_auth_server(c, &a);
	if (server.len > 0 && conf_bool(c, PARAM_smtpd_sasl_auth_enable))
		each(arg, server);
}

void
conf_each_endpoint(
    const struct conf *c, unsigned users, conf_endpoint_fn each, void *arg)
{
	if ((users & USER_SMTPD) != 0) {
		each_policy(c, each, arg);
		each_auth(c, each, arg);
	}
	if ((users & USER_SMTP) != 0)
		each_transport(c, each, arg);
}
