/* SPDX-License-Identifier: ISC */
/* Routes, known recipients, rewriting and expansion, by a main.cf. */
#include "mail/conf_help.h"

#include "dict/env.h"
#include "mail/expansion.h"
#include "mail/rewrite.h"
#include "mail/route.h"
#include "net/ip.h"

static struct fake_env env;

struct site {
	struct conf *conf;
	struct router *router;
	struct arena arena;
};

static void
open_site(struct site *s, const char *main_cf)
{
	struct remarks said;
	struct buf why;

	fake_init(&env);
	s->conf = conf_of(main_cf, &said);
	assert_string_equal(said.text, "");
	assert_non_null(s->conf);
	buf_init(&why, 1000);
	s->router = router_new(s->conf, &env.env, &why);
	assert_string_equal(why.p, "");
	assert_non_null(s->router);
	assert_true(router_open_known(s->router, &why));
	buf_done(&why);
	arena_init(&s->arena, 1 << 20);
}

static void
close_site(struct site *s)
{
	arena_done(&s->arena);
	router_free(&s->router);
	conf_free(&s->conf);
}

static struct addr
addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_c(text), &a), 0);
	return a;
}

/* "class transport nexthop" */
static void
check_route(struct site *s, const char *to, const char *want)
{
	static const char *const classes[] = {
	    "local", "alias", "mailbox", "relay", "default"};
	char got[512];
	struct route r;

	assert_int_equal(
	    router_route(s->router, addr_of(to), STR("x@y"), &s->arena, &r),
	    FIND_YES);
	snprintf(got, sizeof(got), "%s %.*s %.*s", classes[r.class],
	    STR_ARG(r.transport), STR_ARG(r.nexthop));
	assert_string_equal(got, want);
	assert_str(r.recipient, to);
}

#define SITE                                                                   \
	"mydestination = $myhostname, here.example\n"                          \
	"virtual_alias_domains = alias.example\n"                              \
	"virtual_alias_maps = inline:{joe@alias.example=x}\n"                  \
	"virtual_mailbox_domains = box.example\n"                              \
	"virtual_mailbox_maps = inline:{ann@box.example=x}\n"                  \
	"relay_domains = relay.example\n"                                      \
	"recipient_delimiter = +\n"                                            \
	"parent_domain_matches_subdomains = relay_domains\n"

static void
test_class(void **state)
{
	struct site s;

	(void)state;
	open_site(&s, SITE "proxy_interfaces = 192.0.2.1, 2001:db8::1\n"
			   "alias_maps =\n");
	check_route(&s, "joe@HERE.example", "local local mail.example.com");
	check_route(&s, "joe", "local local mail.example.com");
	check_route(&s, "joe@[192.0.2.1]", "local local mail.example.com");
	check_route(
	    &s, "joe@[IPv6:2001:db8::1]", "local local mail.example.com");
	check_route(&s, "joe@[127.0.0.1]", "local local mail.example.com");
	check_route(&s, "joe@[198.51.100.9]", "default smtp [198.51.100.9]");
	check_route(
	    &s, "joe@sub.here.example", "default smtp sub.here.example");
	check_route(&s, "no@alias.example",
	    "alias error 5.1.1 User unknown in virtual alias table");
	check_route(&s, "ann@box.example", "mailbox virtual box.example");
	check_route(&s, "x@relay.example", "relay relay relay.example");
	check_route(&s, "x@sub.relay.example", "relay relay sub.relay.example");
	check_route(&s, "x@far.example", "default smtp far.example");
	close_site(&s);
}

/* With "all" every address that this host has is ours; else those named. */
static void
test_interfaces(void **state)
{
	struct site all, one;
	struct str rest, word;
	size_t n = 0;

	(void)state;
	open_site(&all, SITE "alias_maps =\n");
	rest = conf_interfaces(all.conf);
	while ((word = str_word(&rest, " ")).len > 0) {
		bool is_v6 = str_has_char(word, ':');
		char to[100];
		struct ip ip;

		assert_int_equal(ip_parse(word, &ip), 0);
		snprintf(to, sizeof(to), "joe@[%s%.*s]", is_v6 ? "IPv6:" : "",
		    STR_ARG(word));
		check_route(&all, to, "local local mail.example.com");
		n += !ip_is_loopback(&ip);
		open_site(&one, SITE "alias_maps =\n"
				     "inet_interfaces = loopback-only\n");
		if (!ip_is_loopback(&ip)) {
			enum route_class class;

			assert_int_equal(router_class(one.router, addr_of(to),
					     &one.arena, &class),
			    FIND_YES);
			assert_int_equal(class, ROUTE_DEFAULT);
		}
		close_site(&one);
	}
	print_message("# %zu addresses beyond loopback\n", n);
	close_site(&all);
}

static void
test_relayhost(void **state)
{
	struct site s;

	(void)state;
	open_site(&s, SITE "relayhost = [smart.example]:587\n"
			   "local_transport = local\n"
			   "default_transport = smtp\nalias_maps =\n");
	check_route(&s, "x@far.example", "default smtp [smart.example]:587");
	check_route(&s, "x@relay.example", "relay relay [smart.example]:587");
	check_route(&s, "ann@box.example", "mailbox virtual box.example");
	check_route(&s, "joe@here.example", "local local here.example");
	close_site(&s);
	open_site(&s, "default_transport = error:5.0.0 no mail here\n"
		      "relayhost = smart.example\nalias_maps =\n");
	check_route(&s, "x@far.example", "default error 5.0.0 no mail here");
	close_site(&s);
}

static void
check_from(struct site *s, const char *sender, const char *to, enum find found,
    const char *nexthop)
{
	struct route r = {.nexthop = STR_NONE};

	assert_int_equal(
	    router_route(s->router, addr_of(to), str_c(sender), &s->arena, &r),
	    found);
	assert_str(r.nexthop, nexthop);
}

static void
test_sender_relayhost(void **state)
{
	struct site s;

	(void)state;
	open_site(&s, SITE "alias_maps =\nrelayhost = [hub.example]\n"
			   "sender_dependent_relayhost_maps = inline:{ "
			   "{ ann@out.example = [ann.example]:587 } "
			   "{ @own.example = [own.example] } "
			   "{ <> = [null.example] } "
			   "{ free@own.example = dunno } }\n");
	check_from(&s, "ann+x@out.example", "x@far.example", FIND_YES,
	    "[ann.example]:587");
	check_from(
	    &s, "joe@own.example", "x@far.example", FIND_YES, "[own.example]");
	check_from(&s, "joe@own.example", "x@relay.example", FIND_YES,
	    "[own.example]");
	check_from(
	    &s, "free@own.example", "x@far.example", FIND_YES, "far.example");
	check_from(&s, "", "x@far.example", FIND_YES, "[null.example]");
	check_from(
	    &s, "joe@else.example", "x@far.example", FIND_YES, "[hub.example]");
	check_from(&s, "joe@own.example", "joe@here.example", FIND_YES,
	    "mail.example.com");
	close_site(&s);
	/* Could not ask is not "none". */
	open_site(&s, SITE "alias_maps =\n"
			   "sender_dependent_relayhost_maps = fail:x\n");
	check_from(&s, "joe@own.example", "x@far.example", FIND_RETRY, "");
	check_from(&s, "joe@own.example", "joe@here.example", FIND_YES,
	    "mail.example.com");
	close_site(&s);
}

static void
test_transport_maps(void **state)
{
	struct site s;

	(void)state;
	open_site(&s,
	    SITE "alias_maps =\nrelayhost = smart.example\n"
		 "transport_maps = inline:{"
		 "{joe+x@a.example=smtp:[one]:25}, {joe@a.example=slow:},"
		 "{a.example=:[two]}, {.a.example=smtp:three},"
		 "{deep.a.example=:}, {gone.example=error:5.1.2 gone: away},"
		 "{ann@box.example=smtp:[four]:2525}, {example.com=relay:}}\n");
	check_route(&s, "joe+x@a.example", "default smtp [one]:25");
	check_route(&s, "joe+y@A.example", "default slow A.example");
	check_route(&s, "ann@a.example", "default smtp [two]");
	check_route(&s, "ann@b.a.example", "default smtp three");
	check_route(&s, "ann@c.b.a.example", "default smtp three");
	check_route(&s, "ann@deep.a.example", "default smtp smart.example");
	check_route(&s, "ann@xa.example", "default smtp smart.example");
	check_route(&s, "x@gone.example", "default error 5.1.2 gone: away");
	check_route(&s, "ann@box.example", "mailbox smtp [four]:2525");
	close_site(&s);
	open_site(&s, "alias_maps =\ntransport_maps = inline:{{*=smtp:all}}\n");
	check_route(&s, "x@far.example", "default smtp all");
	check_route(&s, "x@mail.example.com", "local smtp all");
	close_site(&s);
}

static void
check_known(
    struct site *s, const char *to, enum find want, enum route_class class)
{
	struct route got;

	assert_int_equal(
	    router_known(s->router, addr_of(to), &s->arena, &got), want);
	assert_int_equal(got.class, class);
}

static void
test_known(void **state)
{
	struct site s;

	(void)state;
	open_site(&s,
	    SITE "alias_maps = inline:{root=joe}\n"
		 "local_recipient_maps = inline:{joe=x} $alias_maps\n"
		 "relay_recipient_maps = inline:{x@relay.example=y}\n");
	check_known(&s, "joe@here.example", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "JOE+ext@mail.example.com", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "root", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "root@here.example", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "nobody@here.example", FIND_NO, ROUTE_LOCAL);
	check_known(&s, "postmaster@here.example", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "double-bounce@here.example", FIND_YES, ROUTE_LOCAL);
	check_known(&s, "joe@alias.example", FIND_YES, ROUTE_VIRTUAL_ALIAS);
	check_known(&s, "ann@alias.example", FIND_NO, ROUTE_VIRTUAL_ALIAS);
	check_known(&s, "ann+x@box.example", FIND_YES, ROUTE_VIRTUAL_MAILBOX);
	check_known(&s, "joe@box.example", FIND_NO, ROUTE_VIRTUAL_MAILBOX);
	check_known(&s, "x@relay.example", FIND_YES, ROUTE_RELAY);
	check_known(&s, "y@relay.example", FIND_NO, ROUTE_RELAY);
	check_known(&s, "any@far.example", FIND_YES, ROUTE_DEFAULT);
	close_site(&s);
	open_site(&s, "alias_maps =\nlocal_recipient_maps =\n");
	check_known(&s, "any@mail.example.com", FIND_YES, ROUTE_LOCAL);
	close_site(&s);
	open_site(&s, "alias_maps =\nlocal_recipient_maps =\n"
		      "relay_domains = relay.example\n"
		      "default_transport = error:5.1.2 no mail leaves\n"
		      "virtual_alias_maps = inline:{root@far.example=joe}\n"
		      "transport_maps = inline:{{x@relay.example=retry:later},"
		      " ok.example=smtp:}\n");
	check_known(&s, "any@far.example", FIND_NO, ROUTE_DEFAULT);
	check_known(&s, "root@far.example", FIND_YES, ROUTE_DEFAULT);
	check_known(&s, "any@ok.example", FIND_YES, ROUTE_DEFAULT);
	check_known(&s, "x@relay.example", FIND_NO, ROUTE_RELAY);
	check_known(&s, "y@relay.example", FIND_YES, ROUTE_RELAY);
	close_site(&s);
}

/* A table that cannot be asked is never 'there is no such user'. */
static void
test_trouble(void **state)
{
	enum route_class class;
	struct route route;
	struct site s;

	(void)state;
	open_site(&s, "alias_maps =\n"
		      "local_recipient_maps = fail:1\n"
		      "transport_maps = fail:2\n"
		      "virtual_mailbox_domains = fail:3\n");
	assert_int_equal(router_known(s.router, addr_of("x@mail.example.com"),
			     &s.arena, &route),
	    FIND_RETRY);
	assert_int_equal(router_route(s.router, addr_of("x@mail.example.com"),
			     STR_NONE, &s.arena, &route),
	    FIND_RETRY);
	assert_int_equal(
	    router_class(s.router, addr_of("x@far.example"), &s.arena, &class),
	    FIND_RETRY);
	close_site(&s);
}

static void
test_tables(void **state)
{
	(void)state;
	assert_string_equal(route_class_table(ROUTE_LOCAL), "local recipient");
	assert_string_equal(route_class_table(ROUTE_RELAY), "relay recipient");
	assert_string_equal(
	    route_class_table(ROUTE_VIRTUAL_ALIAS), "virtual alias");
	assert_string_equal(
	    route_class_table(ROUTE_VIRTUAL_MAILBOX), "virtual mailbox");
}

static void
test_rewrite(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"", ""},
	    {"joe", "joe@o.example"},
	    {"joe@b", "joe@b.d.example"},
	    {"joe@b.example", "joe@b.example"},
	    {"joe@[1.2.3.4]", "joe@[1.2.3.4]"},
	    {"joe%b", "joe%b@o.example"},
	};
	struct rewrite w, none = {STR_NONE, STR_NONE};
	struct site s;

	(void)state;
	open_site(&s, "alias_maps =\nmyorigin = o.example\n"
		      "mydomain = d.example\nappend_dot_mydomain = yes\n");
	w = rewrite_of(s.conf);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr a = addr_of(rows[i].in);

		assert_str(rewrite_addr(&w, a, &s.arena).text, rows[i].out);
		assert_str(rewrite_addr(&none, a, &s.arena).text, rows[i].in);
	}
	close_site(&s);
	open_site(&s, "alias_maps =\nappend_dot_mydomain = no\n"
		      "append_at_myorigin = no\n");
	w = rewrite_of(s.conf);
	assert_int_equal(w.origin.len, 0);
	assert_int_equal(w.mydomain.len, 0);
	close_site(&s);
}

static void
take(void *arg, struct addr a)
{
	buf_addf(arg, "%.*s;", STR_ARG(a.text));
}

#define ALIASES                                                                \
	"alias_maps =\nrecipient_delimiter = +\n"                              \
	"virtual_alias_recursion_limit = 20\n"                                 \
	"virtual_alias_expansion_limit = 10\n"                                 \
	"virtual_alias_maps = inline:{"                                        \
	"{one@a.example=joe@b.example}, {two@a.example=one@a.example},"        \
	"{self@a.example=self@a.example, ann},"                                \
	"{ring@a.example=gnir@a.example}, {gnir@a.example=ring@a.example},"    \
	"{many@a.example=1@x.example 2@x.example,\t3@x.example},"              \
	"{bomb@a.example=bomb@a.example bomb1@a.example},"                     \
	"{grow@a.example=x@x.example grow1@a.example grow2@a.example},"        \
	"{grow1@a.example=grow@a.example}, {grow2@a.example=grow@a.example},"  \
	"{@c.example=@d.example}, {@d.example=all@e.example},"                 \
	"{root=admin@x.example}, {bad@a.example=a@b@c},"                       \
	"{none@a.example=<>}}\n"

static void
test_expansion(void **state)
{
	static const struct {
		const char *in, *out;
		enum find found;
	} rows[] = {
	    {"no@a.example", "no@a.example;", FIND_YES},
	    {"one@a.example", "joe@b.example;", FIND_YES},
	    {"ONE+x@a.example", "joe+x@b.example;", FIND_YES},
	    {"two@a.example", "joe@b.example;", FIND_YES},
	    {"self@a.example", "self@a.example;ann@mail.example.com;",
		FIND_YES},
	    {"ring@a.example", "", FIND_BROKEN},
	    {"many@a.example", "1@x.example;2@x.example;3@x.example;",
		FIND_YES},
	    {"bomb@a.example", "bomb@a.example;bomb1@a.example;", FIND_YES},
	    {"grow@a.example", "", FIND_BROKEN},
	    {"u+x@c.example", "all@e.example;", FIND_YES},
	    {"root@mail.example.com", "admin@x.example;", FIND_YES},
	    {"root@a.example", "root@a.example;", FIND_YES},
	    {"bad@a.example", "", FIND_BROKEN},
	    {"none@a.example", "", FIND_BROKEN},
	    {"", ";", FIND_YES},
	};
	struct expansion *x;
	struct site s;
	struct buf b;

	(void)state;
	open_site(&s, ALIASES);
	buf_init(&b, 4096);
	x = expansion_new(s.conf, s.router, &env.env, &b);
	assert_non_null(x);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *why = NULL;

		buf_reset(&b);
		if (expansion_run(x, addr_of(rows[i].in), take, &b, &why) !=
		    rows[i].found)
			fail_msg("%s: %s", rows[i].in, why);
		assert_string_equal(b.p, rows[i].out);
		assert_true(rows[i].found == FIND_YES || why != NULL);
	}
	expansion_free(&x);
	close_site(&s);
	open_site(&s, "alias_maps =\nvirtual_alias_maps = fail:x\n"
		      "virtual_alias_domains =\n");
	x = expansion_new(s.conf, s.router, &env.env, &b);
	buf_reset(&b);
	{
		const char *why = NULL;

		assert_int_equal(
		    expansion_run(x, addr_of("a@b"), take, &b, &why),
		    FIND_RETRY);
	}
	assert_int_equal(b.len, 0);
	expansion_free(&x);
	buf_done(&b);
	close_site(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_class),
    cmocka_unit_test(test_interfaces),
    cmocka_unit_test(test_relayhost),
    cmocka_unit_test(test_sender_relayhost),
    cmocka_unit_test(test_transport_maps),
    cmocka_unit_test(test_known),
    cmocka_unit_test(test_trouble),
    cmocka_unit_test(test_tables),
    cmocka_unit_test(test_rewrite),
    cmocka_unit_test(test_expansion),
};
TAP_RUN(tests)
