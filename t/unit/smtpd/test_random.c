/* SPDX-License-Identifier: ISC */
/*
 * Random sessions against a model of RFC 5321's transaction: after each
 * command the reply is the model's, and what is queued has the sender and the
 * recipients of the model's transaction, whatever was refused before it.
 */
#include "tap.h"

#include "desk.h"
#include "net/stream.h"

#include <stdlib.h>
#include <string.h>

#define COMMANDS 20000
#define SESSION  200 /* commands, then another */

static const char main_cf[] =
    "myhostname = mail.example.com\n"
    "mydestination = example.com\n"
    "mynetworks = 10.0.0.0/8\n"
    "local_recipient_maps = inline:{ user=x other=x }\n"
    "alias_maps =\n"
    "smtpd_peername_lookup = no\n"
    "smtpd_soft_error_limit = 1000000\n"
    "smtpd_hard_error_limit = 1000000\n"
    "smtpd_junk_command_limit = 1000000\n"
    "smtpd_delay_reject = no\n"
    "smtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n"
    "smtpd_sender_restrictions = check_sender_access "
    "inline:{ { early@out.test = REJECT } }\n"
    "smtpd_data_restrictions = check_sender_access "
    "inline:{ { data@out.test = REJECT } }\n"
    "smtpd_end_of_data_restrictions = check_sender_access "
    "inline:{ { late@out.test = REJECT } }\n";

/* The state that a server may have. */
struct model {
	bool has_sender;
	const char *sender;
	char recipients[64]; /* " a b" */
	size_t n;            /* that were accepted */
};

struct game {
	struct stream client;
	struct model model;
	uint64_t random;
	bool refuses; /* qmgr does */
};

static unsigned
draw(struct game *g, unsigned n)
{
	g->random = g->random * UINT64_C(6364136223846793005) +
	            UINT64_C(1442695040888963407);
	return (unsigned)(g->random >> 33) % n;
}

static void
reset(struct model *m)
{
	*m = (struct model){0};
}

static void
say(struct game *g, const char *line)
{
	assert_int_equal(stream_writef(&g->client, "%s\r\n", line), 0);
}

/* The whole of a reply; its last line begins with `want`. */
static void
hear(struct game *g, const char *want)
{
	struct str line;
	bool crlf;

	stream_deadline(&g->client, clock_after(10 * CLOCK_SEC));
	do {
		assert_int_equal(
		    stream_read_line(&g->client, 2000, &line, &crlf), 0);
	} while (line.len > 3 && line.p[3] == '-');
	if (!str_has_prefix(line, str_c(want)))
		fail_msg("want \"%s\", got \"%.*s\"", want, STR_ARG(line));
}

static void
do_helo(struct game *g)
{
	switch (draw(g, 4)) {
	case 0:
		say(g, "HELO c.test");
		hear(g, "250 mail.example.com");
		reset(&g->model);
		break;
	case 1:
		say(g, "EHLO c.test");
		hear(g, "250 DSN");
		reset(&g->model);
		break;
	case 2:
		say(g, "EHLO plain");
		hear(g, "504 5.5.2");
		reset(&g->model);
		break;
	default:
		say(g, "EHLO");
		hear(g, "501");
		break;
	}
}

static void
do_mail(struct game *g)
{
	static const char *const senders[] = {"a@out.test", "b@out.test", "",
	    "data@out.test", "late@out.test", "early@out.test"};
	const char *sender = senders[draw(g, 6)];
	bool is_bad = draw(g, 8) == 0;
	char line[200];

	(void)snprintf(line, sizeof(line), "MAIL FROM:<%s>%s", sender,
	    is_bad ? " SIZE=x" : "");
	say(g, line);
	if (g->model.has_sender) {
		hear(g, "503 5.5.1 Error: nested MAIL command");
	} else if (is_bad) {
		hear(g, "501 5.5.4");
	} else if (strcmp(sender, "early@out.test") == 0) {
		hear(g, "554 5.7.1");
	} else {
		hear(g, "250 2.1.0 Ok");
		g->model.has_sender = true;
		g->model.sender = sender;
	}
}

static void
do_rcpt(struct game *g)
{
	static const struct {
		const char *to, *reply;
	} cases[] = {
	    {"<user@example.com>", "250 2.1.5 Ok"},
	    {"<other@example.com>", "250 2.1.5 Ok"},
	    {"<nobody@example.com>", "550 5.1.1"},
	    {"<x@far.test>", "454 4.7.1"},
	    {"<x@y@z>", "501 5.1.3"},
	    {"<user@example.com> X=1", "555 5.5.4"},
	};
	unsigned i = draw(g, 6);
	struct model *m = &g->model;
	char line[200];

	(void)snprintf(line, sizeof(line), "RCPT TO:%s", cases[i].to);
	say(g, line);
	if (!m->has_sender) {
		hear(g, "503 5.5.1 Error: need MAIL command");
		return;
	}
	hear(g, cases[i].reply);
	if (i > 1)
		return;
	m->n++;
	if (strstr(m->recipients, i == 0 ? "user" : "other") != NULL)
		return; /* the queue takes each once */
	(void)snprintf(m->recipients + strlen(m->recipients),
	    sizeof(m->recipients) - strlen(m->recipients), " %s@example.com",
	    i == 0 ? "user" : "other");
}

static void
check_message(struct game *g)
{
	char want[200];

	(void)snprintf(want, sizeof(want), "%s ->%s", g->model.sender,
	    g->model.recipients);
	assert_int_equal(desk_messages(), 1);
	assert_str(buf_str(&desk_message(0)->envelope), want);
	desk_forget();
}

static void
do_content(struct game *g)
{
	static const char *const bodies[] = {
	    "", "x\r\n", "Subject: s\r\n\r\nMAIL FROM:<>\r\n", "..\r\n"};

	assert_int_equal(
	    stream_writef(&g->client, "%s.\r\n", bodies[draw(g, 4)]), 0);
	if (strcmp(g->model.sender, "late@out.test") == 0) {
		hear(g, "554 5.7.1");
	} else if (g->refuses) {
		hear(g, "451 4.3.0");
	} else {
		hear(g, "250 2.0.0 Ok: queued as");
		check_message(g);
	}
	reset(&g->model);
}

static void
do_data(struct game *g)
{
	say(g, "DATA");
	if (!g->model.has_sender) {
		hear(g, "503 5.5.1 Error: need MAIL command");
	} else if (g->model.n == 0) {
		hear(g, "554 5.5.1 Error: no valid recipients");
	} else if (strcmp(g->model.sender, "data@out.test") == 0) {
		hear(g, "554 5.7.1");
	} else {
		hear(g, "354");
		do_content(g);
	}
}

static void
do_other(struct game *g)
{
	static const struct {
		const char *say, *hear;
	} cases[] = {{"NOOP", "250"}, {"VRFY x", "252"}, {"BOGUS", "502"},
	    {"STARTTLS", "502"}, {"AUTH PLAIN", "503"}, {"BDAT 9 LAST", "502"},
	    {"DATA x", "501"}, {"HELP", "214"}, {"", "500"}};
	unsigned i = draw(g, 9);

	say(g, cases[i].say);
	hear(g, cases[i].hear);
}

static void
do_one(struct game *g)
{
	switch (draw(g, 16)) {
	case 0:
		do_helo(g);
		break;
	case 1:
		say(g, "RSET");
		hear(g, "250 2.0.0 Ok");
		reset(&g->model);
		break;
	case 2:
		do_other(g);
		break;
	case 3:
		g->refuses = draw(g, 4) == 0;
		desk_queue(g->refuses ? QUEUE_RETRY : QUEUE_OK,
		    g->refuses ? STR("4.3.0") : STR_NONE,
		    g->refuses ? STR("queue file write error") : STR_NONE);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		do_mail(g);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		do_rcpt(g);
		break;
	default:
		do_data(g);
		break;
	}
}

static void
play(void *arg)
{
	const char *wish = getenv("T_RANDOM_COMMANDS");
	long n = wish != NULL ? strtol(wish, NULL, 10) : COMMANDS;
	struct game g = {.random = 20260101};

	(void)arg;
	desk_open(main_cf);
	for (long i = 0; i < n; i += SESSION) {
		assert_int_equal(
		    stream_init(&g.client, desk_connect(STR("192.0.2.1"))), 0);
		reset(&g.model);
		hear(&g, "220");
		for (long k = 0; k < SESSION; k++)
			do_one(&g);
		stream_done(&g.client);
	}
	desk_close();
}

static void
test_sessions(void **state)
{
	(void)state;
	desk_run(play, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sessions),
};
TAP_RUN(tests)
