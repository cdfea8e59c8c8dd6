/* SPDX-License-Identifier: ISC */
/*
 * conf_endpoint - the servers that are none of the suite and that a
 * configuration has programs connect to: policy services.
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

void
conf_each_endpoint(
    const struct conf *c, unsigned users, conf_endpoint_fn each, void *arg)
{
	struct str rest = conf_str(c, PARAM_smtpd_restriction_classes);
	struct str name, value;

	if ((users & USER_SMTPD) == 0)
		return;
	for (unsigned i = 0; i < PARAM_COUNT; i++)
		if (param_table[i].type == PARAM_RESTRICTIONS)
			each_in(c->values[i].text, each, arg);
	while (dict_list_next(&rest, &name) == 0 && !str_is_empty(name))
		if (conf_by_name(c, name, &value))
			each_in(value, each, arg);
}
