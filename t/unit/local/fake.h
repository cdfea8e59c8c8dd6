/* SPDX-License-Identifier: ISC */
/*
 * A small host: its configuration, users and files; and decisions as text,
 * so that they can stand in a table.
 */
#ifndef T_LOCAL_FAKE_H
#define T_LOCAL_FAKE_H

#include "tap.h"

#include "decide.h"
#include "dict/env.h"

struct fake_home_file {
	const char *path;
	enum find find;
	const char *text; /* or why */
	uid_t uid;        /* by whom it must be read */
};

struct fake_host {
	struct fake_env env;
	struct fake_home_file files[8];
	struct conf *conf;
	struct site *site;
};

static const struct {
	const char *name;
	unsigned uid;
} fake_users[] = {{"root", 0}, {"ann", 1001}, {"bob", 1002}, {"carol", 1003},
    {"nobody", 65534}};

static inline enum find
fake_user(void *arg, struct str name, struct arena *a, struct ask_user *ret)
{
	(void)arg;
	if (str_eq(name, STR("later")))
		return FIND_RETRY;
	for (size_t i = 0; i < sizeof(fake_users) / sizeof(fake_users[0]);
	     i++) {
		const char *n = fake_users[i].name;

		/* As a name service that ignores case would. */
		if (!str_eq_case(name, str_c(n)))
			continue;
		*ret = (struct ask_user){
		    .name = str_c(n),
		    .uid = fake_users[i].uid,
		    .gid = fake_users[i].uid + 10000,
		    .home = arena_strf(a, "/home/%s", n),
		    .shell = STR("/bin/sh"),
		};
		return FIND_YES;
	}
	return FIND_NO;
}

static inline enum find
fake_group(void *arg, struct str name, struct arena *a, gid_t *ret)
{
	(void)arg;
	(void)a;
	assert_str(name, "mail");
	*ret = 8;
	return FIND_YES;
}

static inline enum find
fake_read(void *arg, const struct world_file *f, struct arena *a,
    struct str *ret_text, struct str *ret_why)
{
	const struct fake_host *h = arg;

	for (size_t i = 0; i < 8 && h->files[i].path != NULL; i++) {
		const struct fake_home_file *file = &h->files[i];

		if (!str_eq(f->path, str_c(file->path)))
			continue;
		assert_int_equal(f->uid, file->uid);
		assert_true(str_has_prefix(f->path, f->root));
		*ret_text = *ret_why = arena_str(a, str_c(file->text));
		return file->find;
	}
	return FIND_NO;
}

static inline void
fake_say(void *arg, const struct conf_remark *r)
{
	(void)arg;
	if (r->severity == CONF_ERROR)
		print_message("# %.*s\n", STR_ARG(r->text));
}

static inline void
fake_open_host(struct fake_host *h, const char *main_cf)
{
	const struct world world = {fake_user, fake_group, fake_read, h};
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	fake_init(&h->env);
	h->conf = conf_from_text(
	    "/etc/valija", str_c(main_cf), STR_NONE, fake_say, NULL);
	assert_non_null(h->conf);
	h->site = site_new(h->conf, &h->env.env, &world, &why);
	assert_string_equal(why.p, "");
}

static inline void
fake_close_host(struct fake_host *h)
{
	site_free(&h->site);
	conf_free(&h->conf);
	buf_done(&h->env.remarks);
}

static inline void
fake_show_action(const struct action *x, struct buf *out)
{
	static const char *const kinds[] = {
	    "none", "maildir", "mbox", "file", "command"};

	buf_addf(out, "%s %u:%u", kinds[x->kind], (unsigned)x->uid,
	    (unsigned)x->gid);
	if (x->mail_gid != 0)
		buf_addf(out, "+%u", (unsigned)x->mail_gid);
	buf_addf(out, " [%.*s] %.*s", STR_ARG(x->root), STR_ARG(x->path));
}

static inline void
fake_show(const struct expand_answer *w, struct buf *out)
{
	const struct outcome *o = w->outcomes.p;
	const struct expand_child *c = w->children.p;

	switch ((enum expand_verdict)w->verdict) {
	case EXPAND_OUTCOME:
		buf_addf(out, "%s %.*s %.*s",
		    outcome_word((enum outcome_state)o->state), STR_ARG(o->dsn),
		    STR_ARG(o->text));
		return;
	case EXPAND_DELIVER:
		fake_show_action(w->actions.p, out);
		buf_addf(out, " to %.*s", STR_ARG(w->delivered_to));
		return;
	case EXPAND_FORWARD:
		break;
	}
	buf_addf(out, "from <%.*s>", STR_ARG(c->sender));
	for (size_t i = 0; i < c->recipients.n; i++) {
		const struct recipient *r =
		    (const struct recipient *)c->recipients.p + i;

		buf_addf(out, "; %.*s", STR_ARG(r->address));
		if (r->action.n == 0)
			continue;
		buf_add_c(out, " = ");
		fake_show_action(r->action.p, out);
	}
}

static inline void
fake_ask(struct fake_host *h, const struct expand_ask *ask, struct buf *out)
{
	struct expand_answer answer = {0};
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, DECIDE_ARENA);
	buf_init(out, 64 * 1024);
	if (str_eq(ask->transport, STR("virtual")))
		decide_virtual(h->site, ask, &a, &answer);
	else
		decide_local(h->site, ask, &a, &answer);
	fake_show(&answer, out);
}

static inline void
fake_check(struct fake_host *h, const char *transport, const char *rcpt,
    const char *expected)
{
	const struct expand_ask ask = {
	    .id = STR("4XyZ12345678"),
	    .transport = str_c(transport),
	    .sender = STR("s@out.test"),
	    .recipient = {.address = str_c(rcpt)},
	};
	BUF_CLEANUP struct buf got = {0};

	fake_ask(h, &ask, &got);
	assert_string_equal(got.p, expected);
}

#endif
