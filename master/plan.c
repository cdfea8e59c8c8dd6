/* SPDX-License-Identifier: ISC */
/* plan - the services that main.cf and master.cf ask for. */
#include "keyring.h"

#include "base/log.h"
#include "dict/dict.h"
#include "mail/authorities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX      ((size_t)256 * 1024 * 1024)
#define CONFIG_MAX     (16 * 1024 * 1024)
#define FILES_MAX      1000
#define DICT_FILES_MAX 16
#define RESOLV_CONF    STR("/etc/resolv.conf")

/* The files of one service, while they are gathered. */
struct files {
	struct plan *plan;
	struct str default_type;
	struct plan_file *list;
	size_t n;
};

static void
add_file(struct files *f, struct str path)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->list[i].path, path))
			return;
	if (f->n < FILES_MAX)
		f->list[f->n++].path = arena_str(&f->plan->arena, path);
}

/* Who vouches for a peer: a file and a directory, either empty. */
static void
add_authorities(struct files *f, struct str file, struct str directory)
{
	size_t n;

	if (str_has_prefix(file, STR("/")))
		add_file(f, file);
	n = f->n;
	if (str_has_prefix(directory, STR("/")))
		add_file(f, directory);
	if (f->n > n)
		f->list[n].is_directory = true;
}

static void
add_table(void *arg, struct str table)
{
	struct files *f = arg;
	struct str paths[DICT_FILES_MAX];
	size_t n;

	if (str_has_prefix(table, STR("/"))) {
		add_file(f, table);
		return;
	}
	n = dict_files(
	    table, f->default_type, &f->plan->arena, paths, DICT_FILES_MAX);
	for (size_t i = 0; i < n; i++)
		add_file(f, paths[i]);
}

static void
add_server_authorities(struct files *f, const struct conf *c)
{
	add_authorities(f, conf_str(c, PARAM_smtpd_tls_CAfile),
	    conf_str(c, PARAM_smtpd_tls_CApath));
	if (conf_bool(c, PARAM_tls_append_default_CA))
		add_authorities(f, STR_NONE, STR(AUTHORITIES_DEFAULT));
}

static void
add_client_authorities(struct files *f, const struct conf *c)
{
	bool is_lmtp = str_eq(conf_str(c, PARAM_process_name), STR("lmtp"));

	add_authorities(f,
	    conf_str(
		c, is_lmtp ? PARAM_lmtp_tls_CAfile : PARAM_smtp_tls_CAfile),
	    conf_str(
		c, is_lmtp ? PARAM_lmtp_tls_CApath : PARAM_smtp_tls_CApath));
	if (conf_bool(c, PARAM_tls_append_default_CA))
		add_authorities(f, STR_NONE, STR(AUTHORITIES_DEFAULT));
}

static void
find_files(struct service *s, const struct conf *c)
{
	struct files f = {
	    .plan = s->plan,
	    .default_type = conf_str(c, PARAM_default_database_type),
	    .list = arena_array(&s->plan->arena, FILES_MAX, sizeof(*s->files)),
	};

	conf_each_table(c, s->program->users, add_table, &f);
	if (s->program->users == USER_SMTPD)
		add_server_authorities(&f, c);
	if (s->program->users == USER_SMTP)
		add_client_authorities(&f, c);
	if (s->program->users == USER_DNS)
		add_file(&f, RESOLV_CONF);
	s->files = f.list;
	s->nfiles = f.n;
}

/* For counting, and then for keeping them. */
static void
count_endpoint(void *arg, struct str endpoint)
{
	size_t *n = arg;

	(void)endpoint;
	(*n)++;
}

static void
keep_endpoint(void *arg, struct str endpoint)
{
	struct service *s = arg;

	s->endpoints[s->nendpoints++] = arena_str(&s->plan->arena, endpoint);
}

static void
find_endpoints(struct service *s, const struct conf *c)
{
	size_t n = 0;

	conf_each_endpoint(c, s->program->users, count_endpoint, &n);
	s->endpoints = arena_array(&s->plan->arena, n + 1, sizeof(struct str));
	conf_each_endpoint(c, s->program->users, keep_endpoint, s);
}

static bool
set_config(struct service *s, const struct conf *c)
{
	BUF_CLEANUP struct buf b = {0};
	int r;

	buf_init(&b, CONFIG_MAX);
	r = conf_encode(c, &b);
	if (r < 0) {
		log_error(
		    "the configuration of %.*s is too large", STR_ARG(s->name));
		return false;
	}
	s->config = arena_str(&s->plan->arena, buf_str(&b));
	return true;
}

void
plan_find_key_files(struct service *s)
{
	struct files f = {
	    .plan = s->plan,
	    .default_type =
		conf_str(s->plan->conf, PARAM_default_database_type),
	    .list = s->files,
	    .n = s->nfiles,
	};

	keyring_each_file(s->plan, add_table, &f);
	s->nfiles = f.n;
}

/* Of keys, once all others are there. */
static bool
set_keyring(struct plan *p)
{
	struct service *s = plan_find(p, STR("keys"));
	BUF_CLEANUP struct buf b = {0};

	if (!keyring_config(p, &b)) {
		log_error("the configuration of keys is too large");
		return false;
	}
	s->config = arena_str(&p->arena, buf_str(&b));
	plan_find_key_files(s);
	return true;
}

static bool
add_service(struct plan *p, const struct program_row *program,
    const struct master_service *cf, const struct master_cf *m,
    conf_remark_fn say, void *arg)
{
	struct service *s = arena_alloc(&p->arena, sizeof(*s));
	struct conf *c = master_cf_conf(m, cf, p->conf, say, arg);
	bool ok;

	if (c == NULL)
		return false;
	s->plan = p;
	s->name = arena_str(&p->arena, cf->name);
	s->program = program;
	s->is_inet = str_eq(cf->type, STR("inet"));
	s->limit = master_cf_limit(cf, p->conf);
	s->syslog_name = arena_str(&p->arena, conf_str(c, PARAM_syslog_name));
	find_files(s, c);
	find_endpoints(s, c);
	keyring_add(p, s, c);
	ok = set_config(s, c);
	conf_free(&c);
	TAILQ_INSERT_TAIL(&p->services, s, next);
	return ok;
}

/* Those that are always there: a line of master.cf only adds settings. */
static bool
add_fixed(struct plan *p, const struct program_row *program, struct str name,
    const struct master_cf *m, conf_remark_fn say, void *arg)
{
	const struct master_service *cf = master_cf_find(m, name);
	struct master_service plain = {
	    .name = name,
	    .type = STR("unix"),
	    .command = str_c(program->name),
	    .known = master_command_find(str_c(program->name)),
	};

	if (cf == NULL || cf->known->users != program->users)
		cf = &plain;
	return add_service(p, program, cf, m, say, arg);
}

static bool
add_lines(struct plan *p, const struct program_row *program, const char *type,
    const struct master_cf *m, conf_remark_fn say, void *arg)
{
	for (size_t i = 0; i < master_cf_count(m); i++) {
		const struct master_service *cf = master_cf_at(m, i);

		if (cf->known->kind != MASTER_PROGRAM ||
		    cf->known->users != program->users ||
		    !str_eq(cf->type, str_c(type)))
			continue;
		if (!add_service(p, program, cf, m, say, arg))
			return false;
	}
	return true;
}

/* The transports that main.cf's defaults name are there without a line. */
static bool
add_transports(struct plan *p, const struct program_row *program,
    const struct master_cf *m, conf_remark_fn say, void *arg)
{
	static const char *const names[] = {"smtp", "relay", "lmtp"};
	bool ok = add_lines(p, program, "unix", m, say, arg);

	for (size_t i = 0; ok && i < 3; i++)
		if (master_cf_find(m, str_c(names[i])) == NULL)
			ok =
			    add_fixed(p, program, str_c(names[i]), m, say, arg);
	return ok;
}

static bool
add_all(
    struct plan *p, const struct master_cf *m, conf_remark_fn say, void *arg)
{
	bool ok = true;

	for (size_t i = 0; ok && i < PROGRAMS; i++) {
		const struct program_row *program = &programs[i];

		if (program->users == USER_SMTPD)
			ok = add_lines(p, program, "inet", m, say, arg);
		else if (program->users == USER_SMTP)
			ok = add_transports(p, program, m, say, arg);
		else
			ok = add_fixed(
			    p, program, str_c(program->name), m, say, arg);
	}
	return ok && set_keyring(p);
}

struct plan *
plan_make(
    struct conf *c, const struct master_cf *m, conf_remark_fn say, void *arg)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		log_fatal("out of memory for a plan");
	arena_init(&p->arena, ARENA_MAX);
	TAILQ_INIT(&p->services);
	p->conf = c;
	p->refs = 1;
	if (!add_all(p, m, say, arg))
		plan_unref(&p);
	return p;
}

struct plan *
plan_read(const char *dir, conf_remark_fn say, void *arg)
{
	/* All that is wrong is said before it is given up. */
	struct conf *c = conf_read_anyway(dir, say, arg);
	struct master_cf *m = NULL;
	struct plan *p = NULL;
	bool ok = c != NULL && conf_check(c, say, arg);

	if (c != NULL)
		m = master_cf_read_anyway(dir, c, say, arg);
	if (m == NULL || !master_cf_check(m, c, say, arg))
		ok = false;
	if (ok) {
		p = plan_make(c, m, say, arg);
		c = NULL;
	}
	master_cf_free(&m);
	conf_free(&c);
	return p;
}

void
plan_keep_queue(struct plan *p)
{
	struct service *s, *after;

	TAILQ_FOREACH_SAFE (s, &p->services, next, after)
		if (s->program->users != USER_QMGR &&
		    s->program->users != USER_LOOKUP)
			TAILQ_REMOVE(&p->services, s, next);
}

struct plan *
plan_ref(struct plan *p)
{
	p->refs++;
	return p;
}

void
plan_unref(struct plan **pp)
{
	struct plan *p = *pp;

	*pp = NULL;
	if (p == NULL || --p->refs > 0)
		return;
	conf_free(&p->conf);
	arena_done(&p->arena);
	free(p);
}

struct service *
plan_find(const struct plan *p, struct str name)
{
	struct service *s;

	if (str_eq(name, STR("virtual")))
		name = STR("local");
	TAILQ_FOREACH (s, &p->services, next)
		if (!s->is_inet && str_eq(s->name, name))
			return s;
	return NULL;
}

struct service *
plan_find_like(const struct plan *p, const struct service *like)
{
	struct service *s;

	TAILQ_FOREACH (s, &p->services, next)
		if (s->is_inet == like->is_inet && str_eq(s->name, like->name))
			return s;
	return NULL;
}
