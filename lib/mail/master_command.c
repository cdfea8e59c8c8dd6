/* SPDX-License-Identifier: ISC */
/*
 * master_command - the programs that a master.cf names, what becomes of
 * them here, and whose settings a program gets.
 */
#include "mail/conf_body.h"
#include "mail/master_cf.h"
#include "mail/near.h"

#define COLUMN_PROCESSES 4
#define LIMITS_MAX       ((size_t)1024 * 1024)

static const struct master_command commands[] = {
    {"anvil", MASTER_INSIDE, USER_MEMO, "memo counts clients"},
    {"auth", MASTER_PROGRAM, USER_AUTH, "auth"},
    {"bounce", MASTER_PROGRAM, USER_BOUNCE, "bounce"},
    {"cleanup", MASTER_INSIDE, USER_TAKERS,
	"smtpd, pickup and bounce do what cleanup does"},
    {"discard", MASTER_INSIDE, USER_QMGR, "qmgr discards"},
    {"dns", MASTER_PROGRAM, USER_DNS, "dns"},
    {"dnsblog", MASTER_INSIDE, USER_SMTPD, "smtpd asks block lists itself"},
    {"error", MASTER_INSIDE, USER_QMGR, "qmgr returns or keeps such mail"},
    {"flush", MASTER_INSIDE, USER_QMGR, "qmgr flushes"},
    {"keys", MASTER_PROGRAM, USER_KEYS, "keys"},
    {"lmtp", MASTER_PROGRAM, USER_SMTP, "smtp"},
    {"local", MASTER_PROGRAM, USER_LOCAL, "local"},
    {"lookup", MASTER_PROGRAM, USER_LOOKUP, "lookup"},
    {"mda", MASTER_PROGRAM, USER_MDA, "mda"},
    {"memo", MASTER_PROGRAM, USER_MEMO, "memo"},
    {"nqmgr", MASTER_PROGRAM, USER_QMGR, "qmgr"},
    {"oqmgr", MASTER_PROGRAM, USER_QMGR, "qmgr"},
    {"pam", MASTER_PROGRAM, USER_PAM, "pam"},
    {"pickup", MASTER_PROGRAM, USER_PICKUP, "pickup"},
    {"pipe", MASTER_MISSING, 0,
	"pipe does not work yet: a command is run by mailbox_command, an "
	"alias or a .forward file"},
    {"postlogd", MASTER_INSIDE, USER_MASTER,
	"programs write their log lines themselves"},
    {"postscreen", MASTER_MISSING, 0,
	"there is no postscreen: let smtpd listen there"},
    {"proxymap", MASTER_INSIDE, 0,
	"master hands tables to the programs that use them"},
    {"qmgr", MASTER_PROGRAM, USER_QMGR, "qmgr"},
    {"qmqpd", MASTER_MISSING, 0, "there is no QMQP: use SMTP"},
    {"scache", MASTER_INSIDE, USER_SMTP, "smtp keeps connections itself"},
    {"showq", MASTER_INSIDE, USER_QMGR, "qmgr lists the queue"},
    {"smtp", MASTER_PROGRAM, USER_SMTP, "smtp"},
    {"smtpd", MASTER_PROGRAM, USER_SMTPD, "smtpd"},
    {"spawn", MASTER_MISSING, 0,
	"there is no spawn: start the service with systemd or inetd"},
    {"tlsmgr", MASTER_INSIDE, USER_SMTPD | USER_SMTP,
	"keys has the keys of session tickets"},
    {"tlsproxy", MASTER_MISSING, 0, "there is no TLS yet"},
    {"trivial-rewrite", MASTER_INSIDE, USER_ROUTE,
	"the programs that take mail, and qmgr, route it themselves"},
    {"verify", MASTER_MISSING, 0, "addresses are not probed"},
    {"virtual", MASTER_INSIDE, USER_LOCAL | USER_QMGR,
	"local decides about virtual mailboxes"},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct master_command *
master_command_find(struct str name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (str_eq(name, str_c(commands[i].name)))
			return &commands[i];
	return NULL;
}

const char *
master_command_suggest(struct str name)
{
	unsigned best = near_limit(name) + 1;
	const char *found = NULL;

	for (size_t i = 0; i < NCOMMANDS && best > 0; i++) {
		unsigned d =
		    near_distance(name, str_c(commands[i].name), best - 1);
		if (d >= best)
			continue;
		best = d;
		found = commands[i].name;
	}
	return found;
}

static bool
is_cleanup(const struct master_service *s)
{
	return str_eq(s->command, STR("cleanup"));
}

/* Does `other` work inside the program of `s`, so that its settings count? */
static bool
is_inside(const struct master_service *other, const struct master_service *s)
{
	return other != s && other->known->kind == MASTER_INSIDE &&
	       (other->known->users & s->known->users) != 0;
}

/* The value of cleanup_service_name for this service. */
static struct str
cleanup_of(const struct master_service *s, const struct conf *c)
{
	struct str name = conf_raw(c, STR("cleanup_service_name"));

	for (size_t i = 0; i < s->nsettings; i++)
		if (str_eq(s->settings[i].name, STR("cleanup_service_name")))
			name = s->settings[i].value;
	return name;
}

uint64_t
master_cf_limit(const struct master_service *s, const struct conf *c)
{
	struct str column = s->columns[COLUMN_PROCESSES], file;
	unsigned line;
	bool is_said = column.len > 0 && !str_eq(column, STR("-"));

	return is_said ||
	               conf_where(c, STR("default_process_limit"), &file, &line)
	           ? s->processes
	           : 0;
}

/* qmgr drives the transports, so it is the one to keep their limits. */
static size_t
add_limits(const struct master_cf *m, const struct conf *c, struct arena *a,
    struct conf_setting *to)
{
	size_t n = 0;

	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *s = master_cf_at(m, i);
		uint64_t limit = master_cf_limit(s, c);

		if (limit == 0 || !str_eq(s->type, STR("unix")))
			continue;
		to[n++] = (struct conf_setting){
		    .name =
			arena_strf(a, "%.*s_process_limit", STR_ARG(s->name)),
		    .value = arena_strf(a, "%llu", (unsigned long long)limit),
		};
	}
	return n;
}

/* The cleanup service whose work it does; NULL: none, or one that sets
 * nothing. */
static const struct master_service *
find_cleanup(const struct master_cf *m, const struct master_service *s,
    const struct conf *c)
{
	struct str name = cleanup_of(s, c);

	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *other = master_cf_at(m, i);
		if (is_cleanup(other) && is_inside(other, s) &&
		    str_eq(other->name, name) && other->nsettings > 0)
			return other;
	}
	return NULL;
}

/* What counts for `s` of all lines, its own last; *ret_n of them, to be
 * freed. */
static struct conf_setting *
gather_settings(const struct master_cf *m, const struct master_service *s,
    const struct conf *c, struct arena *a, size_t *ret_n)
{
	size_t n = 0, room = s->nsettings + master_cf_count(m) + 2;
	struct conf_setting *all;

	for (size_t i = 0; i < master_cf_count(m); i++)
		room += master_cf_at(m, i)->nsettings;
	all = reallocarray(NULL, room, sizeof(*all));
	if (all == NULL)
		abort();
	all[n++] = (struct conf_setting){
	    .name = STR("service_name"), .value = s->name};
	all[n++] = (struct conf_setting){
	    .name = STR("process_name"), .value = s->command};
	if ((s->known->users & USER_QMGR) != 0)
		n += add_limits(m, c, a, all + n);
	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *other = master_cf_at(m, i);
		if (is_cleanup(other) || !is_inside(other, s))
			continue;
		memcpy(
		    all + n, other->settings, other->nsettings * sizeof(*all));
		n += other->nsettings;
	}
	if (s->nsettings > 0)
		memcpy(all + n, s->settings, s->nsettings * sizeof(*all));
	*ret_n = n + s->nsettings;
	return all;
}

struct conf *
master_cf_conf(const struct master_cf *m, const struct master_service *s,
    const struct conf *c, conf_remark_fn say, void *arg)
{
	const struct master_service *cleanup = find_cleanup(m, s, c);
	struct conf_remarks r = {.say = say, .arg = arg};
	ARENA_CLEANUP struct arena a = {0};
	struct conf_setting *all;
	struct conf *over;
	size_t n;

	arena_init(&a, LIMITS_MAX);
	all = gather_settings(m, s, c, &a, &n);
	over = conf_overlay(c, all, n, say, arg);
	free(all);
	if (over != NULL && cleanup != NULL)
		conf_set_cleanup(
		    over, cleanup->settings, cleanup->nsettings, &r);
	if (r.failed)
		conf_free(&over);
	return over;
}

/* Mail would go past the tables that were meant for it. */
static void
check_cleanup(const struct master_cf *m, const struct master_service *s,
    const struct conf *c, struct conf_remarks *r)
{
	struct conf_setting at = {.file = s->file, .line = s->line};
	struct str name = cleanup_of(s, c);

	if ((s->known->users & USER_TAKERS) == 0 ||
	    s->known->kind != MASTER_PROGRAM || s->line == 0 ||
	    str_eq(name, STR("cleanup")))
		return;
	for (size_t i = 0; i < master_cf_count(m); i++)
		if (is_cleanup(master_cf_at(m, i)) &&
		    str_eq(master_cf_at(m, i)->name, name))
			return;
	conf_remark(r, CONF_ERROR, &at,
	    "%.*s: cleanup_service_name: there is no cleanup service %.*s in "
	    "master.cf",
	    STR_ARG(s->name), STR_ARG(name));
}

static void
check_names(const struct master_service *s, const struct conf *c,
    struct conf_remarks *r)
{
	struct str transport;
	enum param p;

	for (size_t i = 0; i < s->nsettings; i++) {
		struct str name = s->settings[i].name;
		if (param_find(name, &p) ||
		    param_find_transport(name, &transport, &p) ||
		    conf_entry(c, name) != NULL)
			continue;
		const char *near = param_suggest(name);
		if (near != NULL)
			conf_remark(r, CONF_ERROR, &s->settings[i],
			    "%.*s: -o %.*s: unknown parameter: did you mean "
			    "%s?",
			    STR_ARG(s->name), STR_ARG(name), near);
	}
}

static void
check_service(const struct master_cf *m, const struct master_service *s,
    const struct conf *c, struct conf_remarks *r)
{
	struct conf_setting at = {.file = s->file, .line = s->line};

	if (s->known->kind == MASTER_MISSING) {
		conf_remark(r, CONF_WARNING, &at, "%.*s %.*s: %s",
		    STR_ARG(s->name), STR_ARG(s->command), s->known->text);
		return;
	}
	if (s->known->kind == MASTER_INSIDE && s->line > 0)
		conf_remark(r, CONF_NOTE, &at, "%.*s %.*s: %s",
		    STR_ARG(s->name), STR_ARG(s->command), s->known->text);
	for (size_t i = 0; i < s->narguments; i++)
		if (s->known->kind == MASTER_PROGRAM)
			conf_remark(r, CONF_WARNING, &at,
			    "%.*s: the argument %.*s has no effect",
			    STR_ARG(s->name), STR_ARG(s->arguments[i]));
	check_names(s, c, r);
	check_cleanup(m, s, c, r);
	if (s->nsettings == 0)
		return;
	struct conf *over =
	    conf_overlay_anyway(c, s->settings, s->nsettings, r);
	conf_check_overlay(over, s->settings, s->nsettings, r);
	conf_free(&over);
}

/* A transport that main.cf names and nobody carries out: mail would wait. */
static void
check_transport(const struct master_cf *m, const struct conf *c, enum param p,
    struct conf_remarks *r)
{
	const char *name = param_table[p].name;
	struct conf_setting at = {.file = STR("main.cf")}, s;
	struct str transport;

	str_cut(conf_str(c, p), ':', &transport, NULL);
	if (str_is_empty(transport) || master_cf_find(m, transport) != NULL)
		return;
	for (size_t i = 0; conf_setting_at(c, i, &s); i++)
		if (str_eq(s.name, str_c(name)))
			at = s;
	conf_remark(r, CONF_WARNING, &at,
	    "%s: there is no service %.*s in master.cf: mail for it waits",
	    name, STR_ARG(transport));
}

bool
master_cf_check(const struct master_cf *m, const struct conf *c,
    conf_remark_fn say, void *arg)
{
	static const enum param transports[] = {PARAM_local_transport,
	    PARAM_virtual_transport, PARAM_relay_transport,
	    PARAM_default_transport, PARAM_content_filter};
	struct conf_remarks r = {.say = say, .arg = arg};

	for (size_t i = 0; i < master_cf_count(m); i++)
		check_service(m, master_cf_at(m, i), c, &r);
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		check_transport(m, c, transports[i], &r);
	return !r.failed && !master_cf_is_wrong(m);
}
