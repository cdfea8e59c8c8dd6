/* SPDX-License-Identifier: ISC */
/* valija_check - `check`: all that there is to say about a configuration. */
#include "valija.h"

#include "base/arena.h"
#include "base/map.h"
#include "dict/dict.h"
#include "mail/key_files.h"
#include "mail/master_cf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WHY_MAX 4096

struct tables_check {
	const struct conf *conf; /* main.cf */
	const struct master_cf *master;
	struct map seen;    /* several parameters and services may name one */
	struct arena names; /* of those */
	bool ok;
};

static bool
is_new(struct tables_check *t, struct str name)
{
	if (map_get(&t->seen, name) != NULL)
		return false;
	map_put(&t->seen, arena_str(&t->names, name), t);
	return true;
}

/* The setting of main.cf or master.cf that names the table; false: a default
 * does. */
static bool
find_setting(
    const struct tables_check *t, struct str table, struct conf_setting *ret)
{
	for (size_t i = 0; conf_setting_at(t->conf, i, ret); i++)
		if (str_find_str(ret->value, table) >= 0)
			return true;
	for (size_t i = 0; i < master_cf_count(t->master); i++) {
		const struct master_service *s = master_cf_at(t->master, i);

		for (size_t k = 0; k < s->nsettings; k++) {
			*ret = s->settings[k];
			if (str_find_str(ret->value, table) >= 0)
				return true;
		}
	}
	return false;
}

static bool
can_open(struct str table, struct buf *why)
{
	struct dict *d;
	BUF_CLEANUP struct buf path = {0};

	buf_init(&path, WHY_MAX);
	if (!str_has_prefix(table, STR("/"))) {
		d = dict_open(&dict_env_tool, table, why);
		dict_free(&d);
		return why->len == 0;
	}
	buf_add_str(&path, table);
	if (access(path.p, R_OK) < 0)
		buf_addf(why, "%s: %s", path.p, strerror(errno));
	return why->len == 0;
}

/* A table that cannot be opened: its programs would refuse or defer mail. */
static void
check_table(void *arg, struct str table)
{
	struct tables_check *t = arg;
	BUF_CLEANUP struct buf why = {0};
	struct conf_setting setting;
	struct conf_remark r = {.file = STR("main.cf")};

	buf_init(&why, WHY_MAX);
	if (!is_new(t, table) || can_open(table, &why))
		return;
	r.severity = CONF_WARNING;
	r.text = buf_str(&why);
	if (find_setting(t, table, &setting)) {
		r.severity = CONF_ERROR;
		r.file = setting.file;
		r.line = (unsigned)setting.line;
		t->ok = false;
	} else if (str_has_prefix(table, STR("/"))) {
		return; /* auth_users: made with the first user */
	}
	valija_print_remark(stderr, &r);
}

/* A certificate, a key, a CA: TLS would be without it. */
static void
check_file(void *arg, struct str name)
{
	struct tables_check *t = arg;
	struct conf_remark r = {.severity = CONF_ERROR, .file = STR("main.cf")};
	struct conf_setting setting;
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, WHY_MAX);
	if (name.len == 0)
		return;
	if (!str_has_prefix(name, STR("/"))) {
		check_table(t, name); /* of server names */
		return;
	}
	if (!is_new(t, name) || can_open(name, &why))
		return;
	r.text = buf_str(&why);
	if (find_setting(t, name, &setting)) {
		r.file = setting.file;
		r.line = (unsigned)setting.line;
	}
	t->ok = false;
	valija_print_remark(stderr, &r);
}

static void
check_tls(struct tables_check *t, const struct conf *c, unsigned users)
{
	static const struct {
		unsigned user;
		enum keys_role role;
		enum param ca[2];
	} sides[] = {
	    {USER_SMTPD, KEYS_SERVER,
		{PARAM_smtpd_tls_CAfile, PARAM_smtpd_tls_CApath}},
	    {USER_SMTP, KEYS_CLIENT,
		{PARAM_smtp_tls_CAfile, PARAM_smtp_tls_CApath}},
	};

	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		struct keys_service files;

		if ((users & sides[i].user) == 0)
			continue;
		arena_init(&a, 4 * CONF_VALUE_MAX);
		key_files_of(c, sides[i].role, STR_NONE, &a, &files);
		key_files_each(&files, check_file, t);
		for (size_t k = 0; k < 2; k++)
			check_file(t, str_trim(conf_str(c, sides[i].ca[k])));
	}
}

/* Those of main.cf, and those that a service has by its own settings. */
static bool
check_tables(const struct conf *c, const struct master_cf *m)
{
	struct tables_check t = {.conf = c, .master = m, .ok = true};

	map_init(&t.seen);
	arena_init(&t.names, SIZE_MAX / 2); /* main.cf has its bound */
	conf_each_table(c, USER_ALL & ~USER_TOOLS, check_table, &t);
	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *s = master_cf_at(m, i);
		struct conf *own = NULL;

		if (s->known != NULL)
			own = master_cf_conf(m, s, c, NULL, NULL);
		if (own != NULL) {
			conf_each_table(own, s->known->users & ~USER_TOOLS,
			    check_table, &t);
			check_tls(&t, own, s->known->users);
		}
		conf_free(&own);
	}
	map_done(&t.seen);
	arena_done(&t.names);
	return t.ok;
}

int
valija_check(struct valija *v)
{
	struct conf *c =
	    conf_read_anyway(v->conf_dir, valija_print_remark, stderr);
	struct master_cf *m = NULL;
	bool ok = c != NULL && conf_check(c, valija_print_remark, stderr);

	if (c != NULL)
		m = master_cf_read_anyway(
		    v->conf_dir, c, valija_print_remark, stderr);
	if (m == NULL || !master_cf_check(m, c, valija_print_remark, stderr))
		ok = false;
	if (m != NULL && !check_tables(c, m))
		ok = false;
	master_cf_free(&m);
	conf_free(&c);
	return ok ? 0 : 1;
}
