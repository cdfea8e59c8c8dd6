/* SPDX-License-Identifier: ISC */
/* login - look-ups of passwords. */
#include "login.h"

#include "mail/sasl.h"
#include "settings.h"

#include <string.h>

#define ROOM ((size_t)256 * 1024)

/* ---- one ---- */

static void
init(struct login *l)
{
	buf_init_secret(&l->user, SASL_USER_MAX);
	buf_init_secret(&l->password, SASL_PASSWORD_MAX);
}

void
login_done(struct login *l)
{
	buf_done(&l->user);
	buf_done(&l->password);
}

bool
login_is_nobody(const struct login *l)
{
	return l->user.len == 0;
}

bool
login_eq(const struct login *a, const struct login *b)
{
	return str_eq(buf_str(&a->user), buf_str(&b->user)) &&
	       str_eq(buf_str(&a->password), buf_str(&b->password));
}

void
login_copy(struct login *to, const struct login *from)
{
	if (login_is_nobody(from))
		return;
	init(to);
	buf_add_str(&to->user, buf_str(&from->user));
	buf_add_str(&to->password, buf_str(&from->password));
}

/* ---- all ---- */

static enum param
twin(const struct conf *c, enum param p)
{
	return settings_twin(
	    str_eq(conf_str(c, PARAM_process_name), STR("lmtp")), p);
}

static bool
read_needs(unsigned *ret, const struct conf *c, enum param p, struct buf *why)
{
	struct str bad;

	if (sasl_properties(conf_str(c, twin(c, p)), ret, &bad))
		return true;
	buf_addf(why,
	    "%s: \"%.*s\" is none of noplaintext, noactive, nodictionary, "
	    "noanonymous, mutual_auth",
	    param_table[twin(c, p)].name, STR_ARG(bad));
	return false;
}

static bool
open_tables(struct logins *l, const struct conf *c, const struct dict_env *env,
    struct buf *why)
{
	enum param maps = twin(c, PARAM_smtp_sasl_password_maps);
	struct str filter =
	    conf_str(c, twin(c, PARAM_smtp_sasl_mechanism_filter));

	l->passwords = maps_open(env, conf_str(c, maps), why);
	if (l->passwords == NULL)
		return false;
	if (maps_is_empty(l->passwords)) {
		buf_addf(why, "%s is empty: name the table of passwords",
		    param_table[maps].name);
		return false;
	}
	l->has_filter = filter.len > 0;
	l->mechanisms = match_open(env, filter, false, why);
	return l->mechanisms != NULL;
}

bool
logins_open(struct logins *l, const struct conf *c, const struct dict_env *env,
    const struct address_rule *rule, struct buf *why)
{
	*l = (struct logins){
	    .by_sender = conf_bool(
		c, twin(c, PARAM_smtp_sender_dependent_authentication)),
	    .soft_bounce =
		conf_bool(c, twin(c, PARAM_smtp_sasl_auth_soft_bounce)),
	    .says_nobody =
		conf_bool(c, twin(c, PARAM_smtp_send_dummy_mail_auth)),
	    .delimiter =
		conf_str(c, twin(c, PARAM_smtp_sasl_password_result_delimiter)),
	    .rule = rule,
	};
	return open_tables(l, c, env, why) &&
	       read_needs(
		   &l->needs_bare, c, PARAM_smtp_sasl_security_options, why) &&
	       read_needs(&l->needs_tls, c,
		   PARAM_smtp_sasl_tls_security_options, why) &&
	       read_needs(&l->needs_proved, c,
		   PARAM_smtp_sasl_tls_verified_security_options, why);
}

void
logins_done(struct logins *l)
{
	maps_free(&l->passwords);
	match_free(&l->mechanisms);
}

static enum find
find_value(const struct logins *l, struct str sender, struct str host,
    struct str nexthop, struct arena *a, struct str *ret)
{
	enum find found = FIND_NO;
	struct addr addr;

	if (l->by_sender && sender.len > 0 && addr_parse(sender, &addr) == 0)
		found = address_find(l->rule, l->passwords, addr, a, ret, NULL);
	if (found == FIND_NO)
		found = maps_get(l->passwords, host, a, ret);
	if (found == FIND_NO)
		found = maps_get(l->passwords, nexthop, a, ret);
	return found;
}

/* "user:password"; an entry that holds no name, or more than fits, is wrong
 * and not the same as none. */
static enum find
take_value(const struct logins *l, struct str value, struct login *ret)
{
	ptrdiff_t at = str_find_str(value, l->delimiter);

	if (at <= 0)
		return FIND_BROKEN;
	init(ret);
	buf_add_str(&ret->user, str_sub(value, 0, (size_t)at));
	buf_add_str(
	    &ret->password, str_from(value, (size_t)at + l->delimiter.len));
	return ret->user.full || ret->password.full ? FIND_BROKEN : FIND_YES;
}

enum find
logins_get(const struct logins *l, struct str sender, struct str host,
    struct str nexthop, struct login *ret)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str value = STR_NONE;

	arena_init(&a, ROOM);
	enum find found = find_value(l, sender, host, nexthop, &a, &value);
	if (found == FIND_YES) {
		found = take_value(l, value, ret);
		explicit_bzero((char *)(uintptr_t)value.p, value.len);
	}
	return found;
}
