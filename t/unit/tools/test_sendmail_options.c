/* SPDX-License-Identifier: ISC */
/* The command lines of programs that send mail. */
#include "tap.h"

#include "sendmail.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static jmp_buf out;
static int exit_code;

void
sendmail_fatal(int code, const char *fmt, ...)
{
	(void)fmt;
	exit_code = code;
	longjmp(out, 1);
}

/* The options as text; or the exit code. */
static void
describe(const char *line, char *ret, size_t n)
{
	static const char *const modes[] = {"mail", "queue", "aliases", "start",
	    "flush", "nothing", "smtp", "verify"};
	struct sendmail s = {.mode = SENDMAIL_MAIL};
	struct submit_message *m = &s.message;
	char *argv[20], *copy = strdup(line), *at = copy;
	int argc = 0;
	size_t used;

	m->sender = m->full_name = m->envid = STR_NONE;
	s.flush_id = s.flush_site = STR_NONE;
	s.conf_dir = "";
	arena_init(&s.arena, 1 << 20);
	while ((argv[argc] = strsep(&at, " ")) != NULL)
		argc++;
	if (setjmp(out) == 0) {
		sendmail_options(&s, argc, argv);
		sendmail_envelope(&s);
		used = (size_t)snprintf(ret, n,
		    "%s%s%s f=%.*s%s F=%.*s N=%llu R=%llu V=%.*s B=%llu "
		    "C=%s I=%.*s A=%s",
		    modes[s.mode], s.dot_is_text ? " i" : "",
		    m->extract ? " t" : "", STR_ARG(m->sender),
		    m->null_sender ? "<>" : "", STR_ARG(m->full_name),
		    (unsigned long long)m->notify, (unsigned long long)m->ret,
		    STR_ARG(m->envid), (unsigned long long)m->body_8bit,
		    s.conf_dir, STR_ARG(s.flush_id),
		    s.aliases == NULL ? "" : s.aliases);
		if (s.flush_site.len > 0)
			used += (size_t)snprintf(ret + used, n - used,
			    " R=%.*s", STR_ARG(s.flush_site));
		for (size_t i = 0; i < s.nrecipients; i++)
			used += (size_t)snprintf(ret + used, n - used, " %.*s",
			    STR_ARG(s.recipients[i].address));
	} else {
		snprintf(ret, n, "exit %d", exit_code);
	}
	free(s.recipients);
	arena_done(&s.arena);
	free(copy);
}

#define NONE " f= F= N=0 R=0 V= B=0 C= I= A="

static const struct {
	const char *line, *want;
} rows[] = {
    {"sendmail a", "mail" NONE " a"},
    {"sendmail -t -i", "mail i t" NONE},
    {"sendmail -ti", "mail i t" NONE},
    {"sendmail -oi -oem -odb -- -a", "mail i" NONE " -a"},
    {"sendmail -oi -f x@y a", "mail i f=x@y F= N=0 R=0 V= B=0 C= I= A= a"},
    {"sendmail -rx@y -FName a,b c",
	"mail f=x@y F=Name N=0 R=0 V= B=0 C= I= A= a b c"},
    {"sendmail -f <> a", "mail f=<> F= N=0 R=0 V= B=0 C= I= A= a"},
    {"sendmail -N success,delay -R hdrs -V id -B 8bitmime a",
	"mail f= F= N=10 R=2 V=id B=1 C= I= A= a"},
    {"sendmail -N never,delay -R x -V g\xc3\xbc a",
	"mail f= F= N=0 R=0 V= B=0 C= I= A= a"},
    {"sendmail -N x -R full,hdrs -V \x01 a",
	"mail f= F= N=0 R=0 V= B=0 C= I= A= a"},
    {"sendmail -Nnever -Rfull -B7BIT a",
	"mail f= F= N=1 R=1 V= B=0 C= I= A= a"},
    {"sendmail -C /nonexistent/x a",
	"mail f= F= N=0 R=0 V= B=0 C=/nonexistent/x I= A= a"},
    {"sendmail -G -m -n -U -v -x -L tag -h 3 -O Timeout=1 -X /dev/null "
     "-Am -p smtp a",
	"mail" NONE " a"},
    {"sendmail -odq -o7 -o8 a", "mail f= F= N=0 R=0 V= B=1 C= I= A= a"},
    {"sendmail -bp", "queue" NONE},
    {"/usr/bin/mailq", "queue" NONE},
    {"/usr/bin/newaliases -oA/x", "aliases f= F= N=0 R=0 V= B=0 C= I= A=/x"},
    {"sendmail -bi", "aliases" NONE},
    {"sendmail -I", "aliases" NONE},
    {"sendmail -bd -q30m", "start" NONE},
    {"sendmail -q", "flush" NONE},
    {"sendmail -qIabc", "flush f= F= N=0 R=0 V= B=0 C= I=abc A="},
    {"sendmail -qRexample.com", "flush f= F= N=0 R=0 V= B=0 C= I= A= R="
				"example.com"},
    {"sendmail -qSexample.com", "exit 64"},
    {"sendmail -qI", "exit 64"},
    {"sendmail -q30m", "nothing" NONE},
    {"sendmail -bv a", "verify" NONE " a"},
    {"sendmail -bs", "smtp" NONE},
    {"sendmail - a", "mail" NONE " - a"},
    {"sendmail -Z a", "exit 64"},
    {"sendmail -b?", "exit 64"},
    {"sendmail -f", "exit 64"},
    {"sendmail -B8 a", "exit 64"},
    {"sendmail -f two@at@signs a", "exit 64"},
    {"sendmail a@b@c", "exit 65"},
    {"sendmail (", "exit 65"},
};

static void
test_rows(void **state)
{
	(void)state;
	unsetenv("NAME");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char got[512];

		describe(rows[i].line, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
	}
}

static void
test_name(void **state)
{
	char got[512];

	(void)state;
	setenv("NAME", "From Env", 1);
	describe("sendmail a", got, sizeof(got));
	assert_non_null(strstr(got, "F=From Env "));
	describe("sendmail -FOther a", got, sizeof(got));
	assert_non_null(strstr(got, "F=Other "));
	setenv("NAME", "two\nlines", 1);
	describe("sendmail a", got, sizeof(got));
	assert_non_null(strstr(got, "F= "));
	describe("sendmail -F a\nb a", got, sizeof(got));
	assert_string_equal(got, "exit 64");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_name),
};
TAP_RUN(tests)
