/* SPDX-License-Identifier: ISC */
/* Endpoints as main.cf names them. */
#include "guard.h"
#include "tap.h"

#include "net/endpoint.h"

#include <errno.h>
#include <stdio.h>

static const struct {
	const char *text, *want; /* NULL: refused */
} rows[] = {
    {"inet:127.0.0.1:10023", "inet 127.0.0.1 10023"},
    {"inet:[::1]:1", "inet ::1 1"},
    {"inet:localhost:65535", "inet localhost 65535"},
    {"unix:private/policy", "unix private | policy"},
    {"unix:/run/a/b", "unix /run/a | b"},
    {"unix:/b", "unix / | b"},
    {"local:b", "unix  | b"},
    {"unix:../x/y", "unix ../x | y"},
    {"", NULL},
    {"inet", NULL},
    {"inet:", NULL},
    {"inet:x", NULL},
    {"inet:x:", NULL},
    {"inet::1", NULL},
    {"inet:::1:25", NULL},
    {"inet:x:0", NULL},
    {"inet:x:65536", NULL},
    {"inet:x:-1", NULL},
    {"inet:x:25 ", NULL},
    {"inet:a b:25", NULL},
    {"inet:a/b:25", NULL},
    {"inet:a\n:25", NULL},
    {"inet:\xc3\xa4:25", NULL},
    {"inet:[]:25", NULL},
    {"INET:x:25", NULL},
    {"tcp:x:25", NULL},
    {"private/policy", NULL},
    {"unix:", NULL},
    {"unix:a/", NULL},
    {"unix:/", NULL},
    {"unix:a/..", NULL},
    {"unix:.", NULL},
    {"unix:a\nb", NULL},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = guard_copy(str_c(rows[i].text));
		struct endpoint e;
		const char *why;
		char got[256];
		int r = endpoint_parse(text, &e, &why);

		if (rows[i].want == NULL) {
			if (r != -EINVAL)
				fail_msg("taken: %s", rows[i].text);
			assert_true(why[0] != '\0');
		} else {
			assert_int_equal(r, 0);
			if (e.kind == ENDPOINT_INET)
				snprintf(got, sizeof(got), "inet %.*s %u",
				    STR_ARG(e.host), e.port);
			else
				snprintf(got, sizeof(got), "unix %.*s | %.*s",
				    STR_ARG(e.directory), STR_ARG(e.name));
			assert_string_equal(got, rows[i].want);
		}
		guard_free(text);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
};
TAP_RUN(tests)
