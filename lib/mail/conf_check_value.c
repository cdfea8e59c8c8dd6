/* SPDX-License-Identifier: ISC */
/*
 * conf_check_value - values that their type lets pass and no program could
 * use: a directory that is none, a protocol that does not exist, one domain
 * in two classes.
 */
#include "mail/conf_body.h"

#include "dict/dict.h"
#include "mail/log_target.h"
#include "net/endpoint.h"

/* Each item of `list` must be one of `words`, which end with NULL. */
static void
check_words(struct str list, const char *const *words,
    const struct conf_setting *at, struct conf_remarks *r)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item)) {
		size_t i = 0;

		while (words[i] != NULL && !str_eq_case(item, str_c(words[i])))
			i++;
		if (words[i] == NULL)
			conf_remark(r, CONF_ERROR, at,
			    "%.*s: \"%.*s\" is not a word for it: the first "
			    "of them is %s",
			    STR_ARG(at->name), STR_ARG(item), words[0]);
	}
}

static void
check_path(
    struct str path, const struct conf_setting *at, struct conf_remarks *r)
{
	if (path.len > 0 && path.p[0] != '/')
		conf_remark(r, CONF_ERROR, at,
		    "%.*s: \"%.*s\" must begin with a '/'", STR_ARG(at->name),
		    STR_ARG(path));
}

static void
check_facility(
    struct str name, const struct conf_setting *at, struct conf_remarks *r)
{
	if (!log_target_is_facility(name))
		conf_remark(r, CONF_ERROR, at,
		    "%.*s: \"%.*s\" is not a facility of syslog(3)",
		    STR_ARG(at->name), STR_ARG(name));
}

static bool
has_item(struct str list, struct str wanted)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item))
		if (str_eq_case(item, wanted))
			return true;
	return false;
}

/* The class that is asked first has it, and the other never will. */
static void
check_class(const struct conf *c, enum param p, struct str list,
    const struct conf_setting *at, struct conf_remarks *r)
{
	static const enum param order[] = {PARAM_mydestination,
	    PARAM_virtual_alias_domains, PARAM_virtual_mailbox_domains};
	struct str item;

	while (dict_list_next(&list, &item) == 0 && !str_is_empty(item)) {
		/* Tables, files, and what is taken out again. */
		if (str_has_char(item, ':') || item.p[0] == '/' ||
		    item.p[0] == '!')
			continue;
		for (size_t i = 0; order[i] != p; i++)
			if (has_item(conf_str(c, order[i]), item))
				conf_remark(r, CONF_WARNING, at,
				    "%.*s: %.*s stands in %s too, which "
				    "counts: name it in one of them",
				    STR_ARG(at->name), STR_ARG(item),
				    param_table[order[i]].name);
	}
}

/* It may be reached, whether it is there or not. */
static void
check_auth_server(
    const struct conf *c, const struct conf_setting *at, struct conf_remarks *r)
{
	ARENA_CLEANUP struct arena a = {0};
	struct endpoint e;
	const char *why;
	struct str server;

	arena_init(&a, 2 * CONF_VALUE_MAX);
	server = conf_auth_server(c, &a);
	if (server.len > 0 && endpoint_parse(server, &e, &why) < 0)
		conf_remark(r, CONF_ERROR, at, "%.*s: %.*s: %s",
		    STR_ARG(at->name), STR_ARG(server), why);
}

static void
check_sasl_type(
    const struct conf *c, const struct conf_setting *at, struct conf_remarks *r)
{
	if (str_eq_case(conf_str(c, PARAM_smtpd_sasl_type), STR("dovecot")))
		return;
	conf_remark(r,
	    conf_bool(c, PARAM_smtpd_sasl_auth_enable) ? CONF_ERROR
						       : CONF_WARNING,
	    at,
	    "smtpd_sasl_type: there is no Cyrus SASL here: leave it out, and "
	    "smtpd_sasl_path too, for users of the suite's own (valija user "
	    "add), or run a Dovecot and say dovecot");
}

/* AUTH under TLS alone, where there is none. */
static void
check_auth(
    const struct conf *c, const struct conf_setting *at, struct conf_remarks *r)
{
	struct str level = conf_str(c, PARAM_smtpd_tls_security_level);
	bool has_level = level.len > 0
	                     ? !str_eq_case(level, STR("none"))
	                     : conf_bool(c, PARAM_smtpd_use_tls) ||
	                           conf_bool(c, PARAM_smtpd_enforce_tls);

	if (conf_bool(c, PARAM_smtpd_sasl_auth_enable) &&
	    conf_bool(c, PARAM_smtpd_tls_auth_only) && !has_level &&
	    !conf_bool(c, PARAM_smtpd_tls_wrappermode))
		conf_remark(r, CONF_WARNING, at,
		    "smtpd_sasl_auth_enable: nobody can log in: "
		    "smtpd_tls_auth_only is yes, and there is no TLS: set "
		    "smtpd_tls_security_level = may");
}

void
conf_check_value(const struct conf *c, enum param p,
    const struct conf_setting *at, struct conf_remarks *r)
{
	static const char *const protocols[] = {"all", "ipv4", "ipv6", NULL};
	static const char *const overrides[] = {"no_address_mappings",
	    "no_unknown_recipient_checks", "no_header_body_checks",
	    "no_milters", NULL};
	static const char *const options[] = {"noplaintext", "noactive",
	    "nodictionary", "noanonymous", "forward_secrecy", "mutual_auth",
	    NULL};
	static const char *const classes[] = {"bounce", "notify", NULL};
	struct str text = conf_str(c, p);

	if (conf_check_tls(c, p, at, r))
		return;
	if (p == PARAM_inet_protocols)
		check_words(text, protocols, at, r);
	else if (p == PARAM_receive_override_options)
		check_words(text, overrides, at, r);
	else if (p == PARAM_smtpd_sasl_security_options ||
		 p == PARAM_smtpd_sasl_tls_security_options)
		check_words(text, options, at, r);
	else if (p == PARAM_smtpd_sasl_auth_enable)
		check_auth(c, at, r);
	else if (p == PARAM_smtpd_sasl_path)
		check_auth_server(c, at, r);
	else if (p == PARAM_smtpd_sasl_type)
		check_sasl_type(c, at, r);
	else if (p == PARAM_internal_mail_filter_classes)
		check_words(text, classes, at, r);
	else if (p == PARAM_queue_directory || p == PARAM_data_directory ||
		 p == PARAM_maillog_file)
		check_path(text, at, r);
	else if (p == PARAM_syslog_facility)
		check_facility(text, at, r);
	else if (p == PARAM_virtual_alias_domains ||
		 p == PARAM_virtual_mailbox_domains)
		check_class(c, p, text, at, r);
}
