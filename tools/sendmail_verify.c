/* SPDX-License-Identifier: ISC */
/*
 * sendmail_verify - -bv: what recipients become and where they would go, by
 * the configuration and its tables, read as the caller.  No server is asked,
 * and no .forward or alias of this host is followed.
 */
#include "sendmail.h"

#include "mail/expansion.h"
#include "mail/rewrite.h"
#include "mail/route.h"

#include <stdio.h>
#include <sysexits.h>

struct verifying {
	struct router *router;
	struct expansion *expansion;
	struct arena a; /* of one recipient */
	struct str typed;
	int exit_code; /* the worst so far: 0, EX_NOUSER, EX_TEMPFAIL */
};

static void
say(struct verifying *v, int exit_code, struct addr a, const char *text)
{
	if (str_eq(a.text, v->typed))
		printf("%.*s... %s\n", STR_ARG(v->typed), text);
	else
		printf("%.*s... (%.*s) %s\n", STR_ARG(v->typed),
		    STR_ARG(a.text), text);
	if (v->exit_code != EX_TEMPFAIL && exit_code != EX_OK)
		v->exit_code = exit_code;
}

static void
say_route(struct verifying *v, struct addr a, const struct route *r)
{
	const char *text;

	if (route_ends(r)) {
		say(v,
		    str_eq(r->transport, STR("error")) ? EX_NOUSER
						       : EX_TEMPFAIL,
		    a, arena_cstr(&v->a, r->nexthop));
		return;
	}
	text = arena_cstr(&v->a,
	    arena_strf(&v->a, "deliverable: mailer %.*s, host %.*s, user %.*s",
		STR_ARG(r->transport), STR_ARG(r->nexthop),
		STR_ARG(r->recipient)));
	say(v, EX_OK, a, text);
}

/* One of the addresses that a recipient becomes. */
static void
verify(void *arg, struct addr a)
{
	struct verifying *v = arg;
	struct route route;
	enum find found = router_known(v->router, a, &v->a, &route);

	if (found == FIND_NO &&
	    (route.class == ROUTE_VIRTUAL_ALIAS || !route_ends(&route))) {
		say(v, EX_NOUSER, a,
		    arena_cstr(
			&v->a, arena_strf(&v->a, "User unknown in %s table",
				   route_class_table(route.class))));
		return;
	}
	if (found == FIND_YES || found == FIND_NO)
		say_route(v, a, &route);
	else
		say(v, EX_TEMPFAIL, a, "a table cannot be asked");
}

static void
verify_typed(
    struct verifying *v, const struct rewrite *rewrite, struct str typed)
{
	const char *why = "";
	struct addr a;

	arena_reset(&v->a);
	v->typed = typed;
	if (addr_parse(typed, &a) < 0)
		return; /* the options let none in */
	a = rewrite_addr(rewrite, a, &v->a);
	if (expansion_run(v->expansion, a, verify, v, &why) != FIND_YES)
		say(v, EX_TEMPFAIL, a, why);
}

int
sendmail_verify(struct sendmail *s)
{
	static struct verifying v;
	struct dict_env env = dict_env_tool;
	struct rewrite rewrite = rewrite_of(s->conf);
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 8192);
	arena_init(&v.a, 64 * 1024 * 1024);
	env.default_type = conf_str(s->conf, PARAM_default_database_type);
	v.router = router_new(s->conf, &env, &why);
	if (v.router != NULL && router_open_known(v.router, &why))
		v.expansion = expansion_new(s->conf, v.router, &env, &why);
	if (v.expansion == NULL)
		sendmail_fatal(EX_TEMPFAIL, "%s", why.p);
	for (size_t i = 0; i < s->nrecipients; i++)
		verify_typed(&v, &rewrite, s->recipients[i].address);
	expansion_free(&v.expansion);
	router_free(&v.router);
	arena_done(&v.a);
	return v.exit_code;
}
