/* SPDX-License-Identifier: ISC */
#include "conf_help.h"
#include "guard.h"

#include <errno.h>

static const char main_cf[] = "mydomain = example.com\n"
			      "one = 1\n"
			      "empty =\n"
			      "nested = $one-${two}\n"
			      "two = 2$empty\n"
			      "price = $$5\n"
			      "compatibility_level = 3.6\n"
			      "uses = $nested$price\n";

static const struct {
	const char *text, *want; /* want NULL: refused */
} cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"$one", "1"},
    {"${one}", "1"},
    {"$(one)", "1"},
    {"x${one}y", "x1y"},
    {"$one.$two", "1.2"},
    {"$nested", "1-2"},
    {"$$one", "$one"},
    {"$price", "$5"},
    {"$nobody", ""},
    {"$mydomain", "example.com"},
    {"$mydestination", "mail.example.com, localhost.example.com, localhost"},
    {"$relay_destination_recipient_limit", "50"},
    {"$local_destination_recipient_limit", "1"},
    /* Choices. */
    {"${one?yes}", "yes"},
    {"${empty?yes}", ""},
    {"${one:no}", ""},
    {"${empty:no}", "no"},
    {"${nobody:no}", "no"},
    {"${one?{yes}:{no}}", "yes"},
    {"${empty?{yes}:{no}}", "no"},
    {"${one ? {yes} : {no}}", "yes"},
    {"${empty?{yes}:no}", "no"},
    {"${one?{yes}}", "yes"},
    {"${empty?{yes}}", ""},
    {"${empty:{no}}", "no"},
    {"${one?$two}", "2"},
    {"${one?{${two?{a}:{b}}}:{c}}", "a"},
    {"${one?x:y}", "x:y"},
    {"${stress?{10}:{300}}s", "300s"},
    /* Comparisons. */
    {"${{1} == {1} ? {x} : {y}}", "x"},
    {"${{$one} == {2} ? {x} : {y}}", "y"},
    {"${{a} != {b} ? {x} : {y}}", "x"},
    {"${{9} < {10} ? {x} : {y}}", "x"},
    {"${{9a} < {10a} ? {x} : {y}}", "y"},
    {"${{10} <= {10} ? {x} : {y}}", "x"},
    {"${{10} >= {11} ? {x} : {y}}", "y"},
    {"${{11} > {10} ? {x} : {y}}", "x"},
    {"${{ a } == {a} ? {x} : {y}}", "x"},
    {"${{1}=={1}?{x}:{y}}", "x"},
    {"${{1}=={1}?{x}}", "x"},
    {"${{1}=={2}?{x}}", ""},
    {"${{1}=={2}:{y}}", "y"},
    {"${{1} == {1}}", "bool:true"},
    {"${{1} == {2}}", ""},
    {"${{$compatibility_level} <level {3.7} ? {old} : {new}}", "old"},
    {"${{$compatibility_level} <level {3.6} ? {old} : {new}}", "new"},
    {"${{3.10} >level {3.9} ? {x} : {y}}", "x"},
    {"${{3} ==level {3.0} ? {x} : {y}}", "x"},
    {"${{9999} >=level {3.6} ? {x} : {y}}", "x"},
    /* What is not of the form. */
    {"$", NULL},
    {"a $ b", NULL},
    {"$-", NULL},
    {"${", NULL},
    {"${one", NULL},
    {"$(one", NULL},
    {"${}", NULL},
    {"${ }", NULL},
    {"${one!x}", NULL},
    {"${one?{x}", NULL},
    {"${one?{x} y}", NULL},
    {"${one?{x}:{y} z}", NULL},
    {"${{1}", NULL},
    {"${{1} = {1} ? {x}}", NULL},
    {"${{1} == 1 ? {x}}", NULL},
    {"${{1} == {1} x}", NULL},
    {"${{1} == {1", NULL},
    {"${{$} == {1}}", NULL},
};

static void
test_cases(void **state)
{
	struct remarks said;
	struct arena a;
	struct conf *c = conf_of(main_cf, &said);

	(void)state;
	assert_non_null(c);
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str in = guard_copy(str_c(cases[i].text)), got;
		const char *why = NULL;
		int r = conf_expand(c, in, &a, &got, &why);
		if (cases[i].want == NULL) {
			if (r != -EINVAL)
				fail_msg("%s is accepted", cases[i].text);
			assert_non_null(why);
		} else {
			if (r != 0)
				fail_msg("%s: %s", cases[i].text, why);
			assert_str(got, cases[i].want);
		}
		guard_free(in);
	}
	conf_free(&c);
	arena_done(&a);
}

static void
test_circles(void **state)
{
	struct remarks said;

	(void)state;
	assert_null(conf_of("a = $a\nb = $a\n", &said));
	assert_int_equal(said.errors, 2);
	assert_non_null(strstr(said.text, "E 1 a: parameters refer to one "
					  "another in a circle"));
	assert_null(conf_of("a = $b\nb = ${a:x}\nc = $a\n", &said));
	assert_null(conf_from_text("/x",
	    STR("mydomain = $myhostname\nmyhostname = x.$mydomain\n"), STR_NONE,
	    NULL, NULL));
}

/* Each line doubles the one before: 2^40 bytes were asked for. */
static void
test_too_much(void **state)
{
	struct remarks said;
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "v0 = xxxxxxxxxx\n");

	(void)state;
	for (unsigned i = 1; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "v%u = $v%u$v%u\n", i, i - 1, i - 1);
	(void)snprintf(text + n, sizeof(text) - n, "relayhost = $v39\n");
	assert_null(conf_of(text, &said));
	assert_true(said.errors > 0);
}

static void
add_name(void *arg, struct str name)
{
	struct buf *b = arg;

	(void)buf_addf(b, "%.*s ", STR_ARG(name));
}

static void
test_names_in(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	conf_names_in(STR("$a ${b} $(c) $$d ${e?{$f}:{${g:$h}}} "
			  "${{$i} == {x} ? {$j}} $"),
	    add_name, &b);
	assert_string_equal(b.p, "a b c e f g h i j ");
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cases),
    cmocka_unit_test(test_circles),
    cmocka_unit_test(test_too_much),
    cmocka_unit_test(test_names_in),
};
TAP_RUN(tests)
