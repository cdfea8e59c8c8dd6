/* SPDX-License-Identifier: ISC */
/* Content-Type as mailers write it, and as nobody should; each at a guard
 * page. */
#include "guard.h"
#include "tap.h"

#include "mail/content_type.h"

#include <stdio.h>

static const struct {
	const char *value, *type, *boundary; /* type NULL: refused */
} rows[] = {
    {" text/plain", "text/plain", ""},
    {"text/plain; charset=utf-8", "text/plain", ""},
    {"TEXT/Html", "TEXT/Html", ""},
    {" multipart/mixed; boundary=abc", "multipart/mixed", "abc"},
    {"multipart/mixed; boundary=\"a b c\"", "multipart/mixed", "a b c"},
    {"multipart/mixed; BOUNDARY=\"a\\\"b\\\\c\"", "multipart/mixed", "a\"b\\c"},
    {"multipart/mixed;\n\tboundary=abc", "multipart/mixed", "abc"},
    {"multipart/mixed;\n boundary=\"ab\n c\"", "multipart/mixed", "ab c"},
    {"multipart/mixed; boundary=a=b:c/d?e; x=y", "multipart/mixed",
	"a=b:c/d?e"},
    {"multipart/mixed; boundary=\"abc  \"", "multipart/mixed", "abc"},
    {"multipart/mixed; boundary=\"  \"", "multipart/mixed", ""},
    {"multipart/mixed; boundary=one; boundary=two", "multipart/mixed", "one"},
    {"multipart/mixed; x=\"boundary=no\"; boundary=yes", "multipart/mixed",
	"yes"},
    {"multipart/mixed; x=\";\"; boundary=yes", "multipart/mixed", "yes"},
    {"multipart/mixed (; boundary=no); boundary=yes", "multipart/mixed", "yes"},
    {"(a (b) c) multipart (x) / (y) mixed (z) ; (b) boundary (c) = (d) e",
	"multipart/mixed", "e"},
    {"multipart/mixed boundary=no; boundary=yes", "multipart/mixed", "yes"},
    {"multipart/mixed; =no; ; boundary; boundary=yes;", "multipart/mixed",
	"yes"},
    {"multipart/mixed; boundary*=us-ascii''abc", "multipart/mixed", ""},
    {"multipart/mixed; boundary=", "multipart/mixed", ""},
    {"multipart/mixed; boundary=\"abc", "multipart/mixed", "abc"},
    {"multipart/mixed; boundary=\"abc\\", "multipart/mixed", "abc\\"},
    {"multipart/mixed; (", "multipart/mixed", ""},
    {"multipart/mixed; (\\", "multipart/mixed", ""},
    {"multipart/mixed; boundary=0123456789012345678901", "multipart/mixed",
	""}, /* too long for the test */
    {"", NULL, ""},
    {"text", NULL, ""},
    {"text/", NULL, ""},
    {"/plain", NULL, ""},
    {"(text/plain", NULL, ""},
    {"\"text\"/plain", NULL, ""},
    {";", NULL, ""},
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUF_CLEANUP struct buf boundary = {0};
		struct content_type t;
		struct str value = guard_copy(str_c(rows[i].value));
		char type[64];

		buf_init(&boundary, 20);
		int e = content_type_parse(value, &t, &boundary);
		if (rows[i].type == NULL) {
			assert_int_not_equal(e, 0);
		} else {
			assert_int_equal(e, 0);
			snprintf(type, sizeof(type), "%.*s/%.*s",
			    STR_ARG(t.type), STR_ARG(t.subtype));
			assert_string_equal(type, rows[i].type);
			assert_string_equal(boundary.p, rows[i].boundary);
		}
		guard_free(value);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values),
};

TAP_RUN(tests)
