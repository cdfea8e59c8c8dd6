/* SPDX-License-Identifier: ISC */
/* What an authentication server says, line by line. */
#include "guard.h"
#include "tap.h"

#include "dovecot_line.h"
#include "mail/bounds.h"

#include <errno.h>

static const struct {
	const char *line;
	int want;
	enum dovecot_kind kind;
	uint32_t id;
	const char *text; /* mechanism, user, challenge or reason */
} rows[] = {
    {"VERSION\t1\t2", 0, DOVECOT_VERSION, 0, NULL},
    {"VERSION\t1", -EBADMSG, 0, 0, NULL},
    {"VERSION\tx\t1", -EBADMSG, 0, 0, NULL},
    {"VERSION\t99999999999\t1", -EBADMSG, 0, 0, NULL},
    {"VERSION", -EBADMSG, 0, 0, NULL},
    {"MECH\tPLAIN\tplaintext", 0, DOVECOT_MECH, 0, "PLAIN"},
    {"MECH\tSCRAM-SHA-256-PLUS", 0, DOVECOT_MECH, 0, "SCRAM-SHA-256-PLUS"},
    {"MECH\tA_B-0\t\t\t", 0, DOVECOT_MECH, 0, "A_B-0"},
    {"MECH", -EBADMSG, 0, 0, NULL},
    {"MECH\t", -EBADMSG, 0, 0, NULL},
    {"MECH\tplain", -EBADMSG, 0, 0, NULL},
    {"MECH\tPLAIN X", -EBADMSG, 0, 0, NULL},
    {"MECH\tABCDEFGHIJKLMNOPQRSTU", -EBADMSG, 0, 0, NULL},
    {"DONE", 0, DOVECOT_DONE, 0, NULL},
    {"OK\t7\tuser=alice", 0, DOVECOT_OK, 7, "alice"},
    {"OK\t7\tx=y\tuser=a@b.test\tuserx=z\tresp=", 0, DOVECOT_OK, 7, "a@b.test"},
    {"OK\t4294967295\tuser=\1"
     "1a\1xb",
	-EBADMSG, 0, 0, NULL},
    {"OK\t7\tuser=a\1xb", 0, DOVECOT_OK, 7, "axb"},
    {"OK\t7\tuser=a\1", -EBADMSG, 0, 0, NULL},
    {"OK\t7\tuser=a\1tb", -EBADMSG, 0, 0, NULL},
    {"OK\t7\tuser=a\1nb", -EBADMSG, 0, 0, NULL},
    {"OK\t7\tuser=a\1"
     "0b",
	-EBADMSG, 0, 0, NULL},
    {"OK\t7\tuser=", -EBADMSG, 0, 0, NULL},
    {"OK\t7\tUSER=alice", -EBADMSG, 0, 0, NULL},
    {"OK\t7", -EBADMSG, 0, 0, NULL},
    {"OK\t4294967296\tuser=a", -EBADMSG, 0, 0, NULL},
    {"OK\t-1\tuser=a", -EBADMSG, 0, 0, NULL},
    {"OK\t\tuser=a", -EBADMSG, 0, 0, NULL},
    {"OK", -EBADMSG, 0, 0, NULL},
    {"CONT\t3\tUGFz+/==", 0, DOVECOT_CONT, 3, "UGFz+/=="},
    {"CONT\t3\t", 0, DOVECOT_CONT, 3, ""},
    {"CONT\t3", 0, DOVECOT_CONT, 3, ""},
    {"CONT\t3\tUGFz\r", -EBADMSG, 0, 0, NULL},
    {"CONT\t3\tUGFz\tx", -EBADMSG, 0, 0, NULL},
    {"CONT\t3\tUG Fz", -EBADMSG, 0, 0, NULL},
    {"CONT\tx\tUGFz", -EBADMSG, 0, 0, NULL},
    {"FAIL\t1", 0, DOVECOT_FAIL, 1, ""},
    {"FAIL\t1\tuser=x\treason=No more\1tof it", 0, DOVECOT_FAIL, 1,
	"No more\tof it"},
    {"FAIL\t1\tuser=a\1tb", -EBADMSG, 0, 0, NULL},
    {"FAIL\tone", -EBADMSG, 0, 0, NULL},
    {"FAIL", -EBADMSG, 0, 0, NULL},
    {"", 0, DOVECOT_OTHER, 0, NULL},
    {"\t\t", 0, DOVECOT_OTHER, 0, NULL},
    {"SPID\t1", 0, DOVECOT_OTHER, 0, NULL},
    {"OKAY\t1", 0, DOVECOT_OTHER, 0, NULL},
    {"ok\t1\tuser=a", 0, DOVECOT_OTHER, 0, NULL},
};

static struct str
text_of(const struct dovecot_line *l)
{
	switch (l->kind) {
	case DOVECOT_MECH:
		return l->mechanism;
	case DOVECOT_OK:
		return l->user;
	case DOVECOT_CONT:
		return l->challenge;
	case DOVECOT_FAIL:
		return l->reason;
	case DOVECOT_OTHER:
	case DOVECOT_VERSION:
	case DOVECOT_DONE:
		break;
	}
	return STR_NONE;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		struct str line = guard_copy(str_c(rows[i].line));
		struct dovecot_line l;

		arena_init(&a, 1 << 16);
		assert_int_equal(
		    dovecot_parse_line(line, &a, &l), rows[i].want);
		if (rows[i].want == 0) {
			assert_int_equal(l.kind, rows[i].kind);
			assert_int_equal(l.id, rows[i].id);
		}
		if (rows[i].text != NULL)
			assert_str(text_of(&l), rows[i].text);
		guard_free(line);
	}
}

static void
test_properties(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dovecot_line l;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_int_equal(
	    dovecot_parse_line(
		STR("MECH\tX\tprivate\tanonymous\tplaintext\tdictionary\t"
		    "active\tforward-secrecy\tmutual-auth\tnew-one"),
		&a, &l),
	    0);
	assert_int_equal(l.properties,
	    DOVECOT_PRIVATE | DOVECOT_ANONYMOUS | DOVECOT_PLAINTEXT |
		DOVECOT_DICTIONARY | DOVECOT_ACTIVE | DOVECOT_FORWARD_SECRECY |
		DOVECOT_MUTUAL_AUTH);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    dovecot_parse_line(i == 0 ? STR("FAIL\t1\ttemp")
					      : STR("FAIL\t1\tcode=temp_fail"),
			&a, &l),
		    0);
		assert_true(l.is_temporary);
	}
	assert_int_equal(
	    dovecot_parse_line(STR("FAIL\t1\ttemperature"), &a, &l), 0);
	assert_false(l.is_temporary);
}

static void
test_bounds(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	char name[BOUND_NAME + 2];
	struct dovecot_line l;

	(void)state;
	arena_init(&a, 1 << 16);
	memset(name, 'x', sizeof(name));
	assert_int_equal(
	    dovecot_parse_line(
		arena_strf(&a, "OK\t1\tuser=%.*s", BOUND_NAME, name), &a, &l),
	    0);
	assert_int_equal(dovecot_parse_line(arena_strf(&a, "OK\t1\tuser=%.*s",
						BOUND_NAME + 1, name),
			     &a, &l),
	    -EBADMSG);
	assert_int_equal(
	    dovecot_parse_line(
		arena_strf(&a, "FAIL\t1\treason=%.*s", BOUND_NAME, name), &a,
		&l),
	    0);
	assert_int_equal(l.reason.len, DOVECOT_REASON_MAX);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_properties),
    cmocka_unit_test(test_bounds),
};
TAP_RUN(tests)
