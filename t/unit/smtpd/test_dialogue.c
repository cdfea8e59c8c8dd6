/* SPDX-License-Identifier: ISC */
/*
 * Dialogues as data: each file of t/data/smtpd is a test.
 *
 *	set NAME = VALUE      a line of main.cf, before the first connect
 *	dns NAME TYPE DATA    what dns knows ("NAME RETRY": it does not)
 *	host ADDRESS NAME     what lookup knows
 *	file PATH LINE        one more line of a table's file
 *	queue V DSN TEXT      qmgr's word from now on: ok, retry, refuse
 *	room N DSN TEXT       qmgr's word on room
 *	policy HOW            how the policy service answers (desk.h); \n in it
 *	auth HOW              how the authentication server answers
 *	                      (fake_auth.h); \n and \t in it
 *	A: LINE               it heard the line
 *	auths N               it took that many connections
 *	pause N               N milliseconds
 *	after N               at least so many passed since the last connect
 *	C* N TEXT             it says TEXT, filled to N bytes with 'x', and CRLF
 *	not logged TEXT       nowhere
 *	memo down             memo cannot be asked
 *	connect ADDRESS       a client; the next lines are about it
 *	another ADDRESS       the same, and the one before stays
 *	C: LINE               it says LINE and CRLF
 *	C+ TEXT               it says TEXT with \r \n \\ \xHH, no CRLF
 *	S: LINE               it hears LINE; a '*' at the end is any rest
 *	tls HOW               its handshake (desk_tls.h); "tls fails HOW" must
 *	file and P: lines may have the word CERTPRINT or KEYPRINT: of a client
 *	                      that has a certificate
 *	keys yes|no           there is a certificate for us, or none
 *	closed                it hears the end
 *	close                 it closes
 *	Q: SENDER -> RCPT     the next message in the queue; then of it
 *	B: LINE               its content holds the line
 *	P: LINE               the last request to the policy service holds it
 *	policies N            it took that many connections
 *	nothing queued        there was no other message
 *	L: LINE               was logged, behind the L: before; QID is any id
 *	# ...
 */
#include "tap.h"

#include "base/file.h"
#include "desk.h"
#include "desk_tls.h"
#include "fake_auth.h"
#include "net/stream.h"
#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (30 * CLOCK_SEC)

struct play {
	const char *file;
	struct str text;
	unsigned line;
	struct buf main_cf;
	bool is_open;
	bool has_client;
	struct stream client, kept;
	bool has_kept;
	size_t taken; /* messages that a Q: was about */
	size_t log_at;
	struct buf policy, auth;
	int64_t connected;
	struct buf failure; /* empty: none */
};

static const char base_cf[] =
    "myhostname = mail.example.com\n"
    "mydestination = example.com\n"
    "mynetworks = 10.0.0.0/8\n"
    "local_recipient_maps = inline:{ user=x other=x }\n"
    "alias_maps =\n"
    "smtpd_banner = $myhostname ESMTP\n"
    "smtpd_peername_lookup = no\n"
    "smtpd_error_sleep_time = 0s\n";

static void
fail_play(struct play *p, const char *what, struct str want, struct str got)
{
	if (p->failure.len == 0)
		buf_addf(&p->failure, "%s:%u: %s: \"%.*s\", got \"%.*s\"",
		    p->file, p->line, what, STR_ARG(want), STR_ARG(got));
}

static bool
matches(struct str want, struct str got)
{
	if (str_has_suffix(want, STR("*")))
		return str_has_prefix(got, str_sub(want, 0, want.len - 1));
	return str_eq(want, got);
}

/* Both from the front, where "QID" in `want` is 17 characters of an id. */
static bool
matches_line(struct str want, struct str got)
{
	ptrdiff_t at = str_find_str(want, STR("QID"));

	if (at < 0)
		return matches(want, got);
	if (got.len < (size_t)at + 17 ||
	    !str_eq(str_sub(want, 0, (size_t)at), str_sub(got, 0, (size_t)at)))
		return false;
	return matches_line(
	    str_from(want, (size_t)at + 3), str_from(got, (size_t)at + 17));
}

static void
open_desk(struct play *p)
{
	if (p->is_open)
		return;
	desk_open(p->main_cf.p);
	p->is_open = true;
}

static void
hear(struct play *p, struct str want)
{
	struct str line = STR_NONE;
	bool crlf;
	int r;

	stream_deadline(&p->client, clock_after(PATIENCE));
	r = stream_read_line(&p->client, 2000, &line, &crlf);
	if (r < 0)
		fail_play(p, "must hear", want, str_c(strerror(-r)));
	else if (!crlf || !matches_line(want, line))
		fail_play(p, "must hear", want, line);
}

static void
hear_end(struct play *p)
{
	struct str line = STR_NONE;
	bool crlf;

	stream_deadline(&p->client, clock_after(PATIENCE));
	if (stream_read_line(&p->client, 2000, &line, &crlf) != -ECONNRESET)
		fail_play(p, "must hear", STR("the end"), line);
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : str_lower_char(c) - 'a' + 10;
}

static void
say_escaped(struct play *p, struct str text)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, 65536);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '\\') {
			buf_add_char(&b, text.p[i]);
			continue;
		}
		i++;
		if (text.p[i] == 'x') {
			buf_add_char(&b, (char)(hex(text.p[i + 1]) * 16 +
						hex(text.p[i + 2])));
			i += 2;
		} else {
			buf_add_char(&b, text.p[i] == 'r'   ? '\r'
					 : text.p[i] == 'n' ? '\n'
							    : text.p[i]);
		}
	}
	(void)stream_write(&p->client, buf_str(&b));
	(void)stream_flush(&p->client);
}

static void
connect_from(struct play *p, struct str address)
{
	open_desk(p);
	p->connected = clock_mono();
	if (p->has_client)
		stream_done(&p->client);
	assert_int_equal(stream_init(&p->client, desk_connect(address)), 0);
	p->has_client = true;
}

/* CERTPRINT and KEYPRINT in a line become what they stand for. */
static struct str
with_prints(struct str line, struct buf *room)
{
	static const char *const words[] = {"CERTPRINT", "KEYPRINT"};

	for (int i = 0; i < 2; i++) {
		struct str word = str_c(words[i]);
		ptrdiff_t at = str_find_str(line, word);

		if (at < 0)
			continue;
		buf_add_str(room, str_sub(line, 0, (size_t)at));
		buf_add_str(room, desk_tls_print(i == 1));
		buf_add_str(room, str_from(line, (size_t)at + word.len));
		return buf_str(room);
	}
	return line;
}

static void
start_tls(struct play *p, struct str how)
{
	bool must_fail = str_has_prefix(how, STR("fails"));
	BUF_CLEANUP struct buf why = {0};
	int r;

	if (must_fail)
		(void)str_word(&how, " ");
	buf_init(&why, 4096);
	stream_deadline(&p->client, clock_after(PATIENCE));
	r = desk_tls_connect(&p->client, how, &why);
	if (must_fail != (r < 0))
		fail_play(p, "TLS", how, buf_str(&why));
}

static void
connect_another(struct play *p, struct str address)
{
	assert_true(p->has_client && !p->has_kept);
	p->kept = p->client;
	p->has_kept = true;
	p->has_client = false;
	connect_from(p, address);
}

static void
check_message(struct play *p, struct str want)
{
	if (desk_messages() <= p->taken)
		fail_play(p, "must be queued", want, STR("nothing"));
	else if (!matches(want, buf_str(&desk_message(p->taken++)->envelope)))
		fail_play(p, "must be queued", want,
		    buf_str(&desk_message(p->taken - 1)->envelope));
}

static void
check_content(struct play *p, struct str want)
{
	struct str rest = buf_str(&desk_message(p->taken - 1)->content);
	struct str all = rest, line;

	while (str_line(&rest, &line))
		if (matches_line(want, line))
			return;
	fail_play(p, "content must have", want, all);
}

static void
check_log(struct play *p, struct str want)
{
	struct str log, rest, line;

	for (int i = 0; i < 100; i++) {
		log = desk_log();
		rest = str_from(log, p->log_at);
		while (str_line(&rest, &line)) {
			if (!matches_line(want, line))
				continue;
			p->log_at = (size_t)(line.p - log.p) + line.len + 1;
			return;
		}
		task_sleep(clock_after(10 * CLOCK_MS));
	}
	fail_play(p, "must be logged", want, str_from(log, p->log_at));
}

static void
tell_queue(struct str rest)
{
	struct str word = str_word(&rest, " ");
	struct str dsn = str_word(&rest, " ");

	desk_queue(str_eq(word, STR("ok"))      ? QUEUE_OK
		   : str_eq(word, STR("retry")) ? QUEUE_RETRY
						: QUEUE_REFUSED,
	    dsn, str_trim(rest));
}

static void
tell_room(struct str rest)
{
	struct str n = str_word(&rest, " ");
	struct str dsn = str_word(&rest, " ");
	uint64_t room = 0;

	assert_int_equal(str_parse_u64(n, UINT64_MAX, &room), 0);
	desk_room(room, dsn, str_trim(rest));
	task_sleep(clock_after(20 * CLOCK_MS));
}

static void
tell_policy(struct play *p, struct str rest)
{
	buf_reset(&p->policy);
	while (rest.len > 0) {
		ptrdiff_t at = str_find_str(rest, STR("\\n"));

		buf_add_str(
		    &p->policy, at < 0 ? rest : str_sub(rest, 0, (size_t)at));
		if (at < 0)
			break;
		buf_add_char(&p->policy, '\n');
		rest = str_from(rest, (size_t)at + 2);
	}
	desk_policy(buf_str(&p->policy));
}

static void
tell_auth(struct play *p, struct str text)
{
	buf_reset(&p->auth);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '\\' && i + 1 < text.len)
			c = text.p[++i] == 'n' ? '\n' : '\t';
		buf_add_char(&p->auth, c);
	}
	fake_auth(buf_str(&p->auth));
}

static void
check_auth(struct play *p, struct str want)
{
	struct str rest, line;
	BUF_CLEANUP struct buf heard = {0};

	buf_init(&heard, 1 << 20);
	for (int i = 0; i < 100; i++) {
		buf_reset(&heard);
		buf_add_str(&heard, fake_auth_heard());
		for (size_t at = 0; at < heard.len; at++)
			if (heard.p[at] == '\t')
				heard.p[at] = ' ';
		rest = buf_str(&heard);
		while (str_line(&rest, &line))
			if (matches(want, line))
				return;
		task_sleep(clock_after(10 * CLOCK_MS));
	}
	fail_play(p, "must be asked", want, buf_str(&heard));
}

static uint64_t
number(struct str word)
{
	uint64_t n = 0;

	assert_int_equal(str_parse_u64(word, 100000, &n), 0);
	return n;
}

static void
check_time(struct play *p, struct str ms)
{
	int64_t want = (int64_t)number(ms) * CLOCK_MS;

	if (clock_mono() - p->connected < want)
		fail_play(p, "must come after", ms, STR("sooner"));
}

static void
say_filled(struct play *p, struct str rest)
{
	size_t n = number(str_word(&rest, " "));
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, n + 2);
	buf_add_str(&line, str_from(rest, rest.len > 0));
	while (line.len < n)
		buf_add_char(&line, 'x');
	buf_add_c(&line, "\r\n");
	(void)stream_write(&p->client, buf_str(&line));
	(void)stream_flush(&p->client);
}

static void
check_not_logged(struct play *p, struct str text)
{
	struct str log = desk_log();

	if (str_find_str(log, text) >= 0)
		fail_play(p, "must not be logged", text, log);
}

static void
check_policy(struct play *p, struct str want)
{
	struct str rest = desk_policy_request(), line;

	while (str_line(&rest, &line))
		if (matches(want, line))
			return;
	fail_play(p, "must be asked", want, desk_policy_request());
}

static void
count_connections(struct play *p, struct str want, unsigned n)
{
	char got[16];

	snprintf(got, sizeof(got), "%u", n);
	if (!str_eq(want, str_c(got)))
		fail_play(p, "connections", want, str_c(got));
}

static void
play_line(struct play *p, struct str line)
{
	BUF_CLEANUP struct buf room = {0};
	struct str rest, word;

	buf_init(&room, 1 << 16);
	line = with_prints(line, &room);
	rest = line;
	word = str_word(&rest, " ");
	if (rest.len > 0)
		rest = str_from(rest, 1);
	if (word.len == 0 || word.p[0] == '#')
		return;
	if (str_eq(word, STR("set")))
		buf_addf(&p->main_cf, "%.*s\n", STR_ARG(rest));
	else if (str_eq(word, STR("dns")))
		desk_dns(rest);
	else if (str_eq(word, STR("host")))
		desk_host(rest);
	else if (str_eq(word, STR("file")))
		desk_file(rest);
	else if (str_eq(word, STR("queue")))
		tell_queue(rest);
	else if (str_eq(word, STR("room")))
		tell_room(rest);
	else if (str_eq(word, STR("policy")))
		tell_policy(p, rest);
	else if (str_eq(word, STR("P:")))
		check_policy(p, rest);
	else if (str_eq(word, STR("policies")))
		count_connections(p, rest, desk_policy_lines());
	else if (str_eq(word, STR("auth")))
		tell_auth(p, rest);
	else if (str_eq(word, STR("A:")))
		check_auth(p, rest);
	else if (str_eq(word, STR("auths")))
		count_connections(p, rest, fake_auth_connections());
	else if (str_eq(word, STR("pause")))
		task_sleep(clock_after((int64_t)number(rest) * CLOCK_MS));
	else if (str_eq(word, STR("after")))
		check_time(p, rest);
	else if (str_eq(word, STR("C*")))
		say_filled(p, rest);
	else if (str_eq(word, STR("not")))
		check_not_logged(p, str_from(rest, sizeof("logged")));
	else if (str_eq(word, STR("connect")))
		connect_from(p, rest);
	else if (str_eq(word, STR("another")))
		connect_another(p, rest);
	else if (str_eq(line, STR("memo down")))
		desk_memo_down(true);
	else if (str_eq(word, STR("C:"))) {
		(void)stream_writef(&p->client, "%.*s\r\n", STR_ARG(rest));
		(void)stream_flush(&p->client);
	} else if (str_eq(word, STR("C+")))
		say_escaped(p, rest);
	else if (str_eq(word, STR("S:")))
		hear(p, rest);
	else if (str_eq(word, STR("tls")))
		start_tls(p, rest);
	else if (str_eq(word, STR("keys")))
		desk_tls_keys(str_eq(rest, STR("yes")));
	else if (str_eq(word, STR("closed")))
		hear_end(p);
	else if (str_eq(word, STR("close"))) {
		stream_done(&p->client);
		p->has_client = false;
	} else if (str_eq(word, STR("Q:")))
		check_message(p, rest);
	else if (str_eq(word, STR("B:")))
		check_content(p, rest);
	else if (str_eq(word, STR("L:")))
		check_log(p, rest);
	else if (str_eq(line, STR("nothing queued"))) {
		if (desk_messages() != p->taken)
			fail_play(p, "queue", line,
			    buf_str(&desk_message(p->taken)->envelope));
	} else
		fail_play(p, "no such direction", line, STR_NONE);
}

static void
play(void *arg)
{
	struct play *p = arg;
	struct str line;

	while (p->failure.len == 0 && str_line(&p->text, &line)) {
		p->line++;
		play_line(p, line);
	}
	if (p->failure.len > 0 && p->is_open) {
		struct str log = desk_log();

		(void)fprintf(stderr, "%.*s", STR_ARG(log));
	}
	if (p->has_client)
		stream_done(&p->client);
	if (p->has_kept)
		stream_done(&p->kept);
	open_desk(p);
	desk_close();
}

static void
test_file(void **state)
{
	const char *path = *state;
	BUF_CLEANUP struct buf text = {0};
	struct play p = {.file = strrchr(path, '/') + 1};

	buf_init(&text, 1 << 20);
	assert_int_equal(file_read(AT_FDCWD, path, &text), 0);
	p.text = buf_str(&text);
	buf_init(&p.main_cf, 1 << 16);
	buf_init(&p.policy, 1 << 16);
	buf_init(&p.auth, 1 << 16);
	buf_init(&p.failure, 1 << 16);
	buf_add_c(&p.main_cf, base_cf);
	desk_run(play, &p);
	buf_done(&p.main_cf);
	buf_done(&p.auth);
	buf_done(&p.policy);
	if (p.failure.len > 0)
		fail_msg("%s", p.failure.p);
	buf_done(&p.failure);
}

static int
is_dialogue(const struct dirent *e)
{
	return str_has_suffix(str_c(e->d_name), STR(".txt"));
}

int
main(void)
{
	static struct CMUnitTest tests[200];
	static char paths[200][512];
	struct dirent **entries;
	int n = scandir(T_DATA "/smtpd", &entries, is_dialogue, alphasort);

	if (n <= 0 || n > 200)
		return 1;
	for (int i = 0; i < n; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), T_DATA "/smtpd/%s",
		    entries[i]->d_name);
		tests[i] = (struct CMUnitTest){
		    .name = strrchr(paths[i], '/') + 1,
		    .test_func = test_file,
		    .initial_state = paths[i],
		};
		free(entries[i]);
	}
	free(entries);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(
	    "dialogues", tests, (size_t)n, NULL, NULL);
}
