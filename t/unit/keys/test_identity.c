/* SPDX-License-Identifier: ISC */
/*
 * A server that speaks TLS with a key that only keys has: both ends of the
 * conversation, and a client of TLS, in one process.
 */
#include "made.h"
#include "tap.h"

#include "talk.h"

#include "base/file.h"
#include "base/serve.h"
#include "mail/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIFE 3600

static struct talks talks;
/* Of memory: nothing stays, whatever becomes of the test. */
static char file[64], file2[64];
static EVP_PKEY *one, *two;
static struct keys_service row;
static bool is_away; /* keys: links are refused */
static unsigned links;

/* In place of master. */
int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	int fds[2];

	(void)sv;
	(void)deadline;
	assert_string_equal(service, "keys");
	if (is_away)
		return -ECONNREFUSED;
	links++;
	assert_int_equal(chan_pair(fds), 0);
	talks_linked(&talks, STR("smtpd/smtp"), fds[0]);
	return fds[1];
}

static void
write_chain(const char *path, const char *name, EVP_PKEY *key)
{
	BUF_CLEANUP struct buf b = {0};
	FD_CLEANUP int fd =
	    open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	buf_init(&b, 100000);
	made_key(key, &b);
	made_cert(key, name, -MADE_DAY, MADE_DAY, &b);
	assert_int_equal(fd_write_all(fd, b.p, b.len), 0);
}

/* As dict_env_tool; once, what is to happen behind it. */
static void (*on_open)(void *arg);

static int
open_file(void *arg, const char *path)
{
	if (on_open != NULL && strcmp(path, file2) == 0) {
		task_start(on_open, NULL);
		on_open = NULL;
	}
	return dict_env_tool.open(arg, path);
}

static void
load(void)
{
	static struct dict_env env;
	struct services_from from = {
	    .env = &env,
	    .own_fd = -1,
	    .wall = MADE_NOW,
	    .mono = clock_mono(),
	};
	struct keys_config c = {
	    .hostname = STR("mx.here.test"), .services = {&row, 1}};

	env = dict_env_tool;
	env.open = open_file;
	talks_load(&talks, &c, &from);
}

/* ---- handshakes ---- */

struct shake {
	struct stream server, client;
	struct tls_context *to, *from;
	struct tls_ask ask;
	int server_result, client_result;
	unsigned running;
	struct tls_session *session;
	bool is_reused;
};

static void
be_server(void *arg)
{
	BUF_CLEANUP struct buf why = {0};
	struct shake *s = arg;

	buf_init(&why, 1000);
	s->server_result = tls_accept(&s->server, s->to, &why);
	if (s->server_result == 0) {
		stream_write(&s->server, STR("hello\r\n"));
		(void)stream_flush(&s->server);
	}
	s->running--;
}

static void
be_client(void *arg)
{
	BUF_CLEANUP struct buf why = {0};
	struct shake *s = arg;
	struct str line;
	bool crlf;

	buf_init(&why, 1000);
	s->client_result = tls_connect(&s->client, s->from, &s->ask, &why);
	if (s->client_result == 0)
		s->client_result =
		    stream_read_line(&s->client, 100, &line, &crlf);
	if (s->client_result == 0)
		s->session = tls_session_get(&s->client);
	s->running--;
}

static void
shake_begin(struct shake *s, struct tls_context *server,
    struct tls_context *client, const char *name, struct tls_session *session)
{
	int fds[2];

	*s = (struct shake){.to = server,
	    .from = client,
	    .ask = {.name = name, .session = session},
	    .running = 2};
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	assert_int_equal(stream_init(&s->server, fds[0]), 0);
	assert_int_equal(stream_init(&s->client, fds[1]), 0);
	stream_deadline(&s->server, clock_after(20 * CLOCK_SEC));
	stream_deadline(&s->client, clock_after(20 * CLOCK_SEC));
	task_start(be_server, s);
	task_start(be_client, s);
}

/* The common name that was shown, in `ret`; "" when it failed. */
static void
shake_end(struct shake *s, char *ret, size_t size)
{
	const struct tls_info *info;

	while (s->running > 0)
		task_sleep(clock_after(CLOCK_MS));
	*ret = '\0';
	if (s->client_result == 0) {
		info = tls_info(&s->client);
		assert_non_null(info);
		snprintf(ret, size, "%s", info->subject);
		s->is_reused = info->is_reused;
	}
	stream_done(&s->server);
	stream_done(&s->client);
}

static void
shows(struct tls_context *server, struct tls_context *client, const char *name,
    const char *expected)
{
	struct shake s;
	char shown[300];

	shake_begin(&s, server, client, name, NULL);
	shake_end(&s, shown, sizeof(shown));
	assert_string_equal(shown, expected);
	assert_false(s.is_reused);
	tls_session_free(&s.session);
}

static struct tls_context *
context(enum tls_role role, struct identity *id)
{
	BUF_CLEANUP struct buf why = {0};
	struct tls_settings settings = {
	    .role = role,
	    .service = STR("smtpd/smtp"),
	    .identify = id == NULL ? NULL : identity_find,
	    .identify_arg = id,
	};
	struct tls_context *c;

	buf_init(&why, 1000);
	c = tls_context_new(&settings, &why);
	assert_non_null(c);
	return c;
}

/* ---- the tests ---- */

static void
it_is_shown(
    struct identity *id, struct tls_context *server, struct tls_context *client)
{
	assert_true(identity_is_there(id));
	shows(server, client, NULL, "one.test");
	shows(server, client, "else.test", "one.test");
}

/* The next handshake has the new one. */
static void
renewed(struct tls_context *server, struct tls_context *client)
{
	write_chain(file, "two.test", two);
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	shows(server, client, NULL, "two.test");
	write_chain(file, "one.test", one);
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	shows(server, client, NULL, "one.test");
}

static void
by_name(struct tls_context *server, struct tls_context *client)
{
	BUF_CLEANUP struct buf table = {0};

	buf_init(&table, 1000);
	buf_addf(
	    &table, "inline:{ {named.test = %s} {bad.test = /none} }", file2);
	write_chain(file2, "named.test", two);
	row.names = buf_str(&table);
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	shows(server, client, "Named.test", "named.test");
	shows(server, client, "named.test", "named.test");
	shows(server, client, "other.test", "one.test");
	shows(server, client, "bad.test", "one.test");
	row.names = STR_NONE;
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	shows(server, client, "named.test", "one.test");
}

/* Another chain behind the answer that is being made. */
static void
change_chain(void *arg)
{
	(void)arg;
	write_chain(file2, "new.test", two);
	load();
}

/* What was told while a name was asked for is newer than the answer. */
static void
changed_while_asked(struct tls_context *server, struct tls_context *client)
{
	BUF_CLEANUP struct buf table = {0};

	buf_init(&table, 1000);
	buf_addf(&table, "inline:{ {named.test = %s} }", file2);
	write_chain(file2, "old.test", one);
	row.names = buf_str(&table);
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	on_open = change_chain;
	shows(server, client, "named.test", "new.test");
	assert_null(on_open);
	shows(server, client, "named.test", "new.test");
	row.names = STR_NONE;
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
}

/* Two processes of a service: a session of one is taken up by the other; not
 * one that was bound to other settings. */
static void
tickets(struct tls_context *server, struct tls_context *client)
{
	struct identity *same = identity_open(NULL, STR("settings"));
	struct identity *other = identity_open(NULL, STR("changed"));
	struct tls_context *twin = context(TLS_SERVER, same);
	struct tls_context *changed = context(TLS_SERVER, other);
	struct service *service =
	    services_get(&talks.services, STR("smtpd/smtp"));
	struct tls_session *session;
	struct shake s;
	char shown[300];

	assert_int_equal(identity_wait(same, CLOCK_NEVER), 0);
	assert_int_equal(identity_wait(other, CLOCK_NEVER), 0);
	identity_attach(same, twin);
	identity_attach(other, changed);
	shake_begin(&s, server, client, NULL, NULL);
	shake_end(&s, shown, sizeof(shown));
	session = s.session;
	assert_non_null(session);
	shake_begin(&s, twin, client, NULL, session);
	shake_end(&s, shown, sizeof(shown));
	assert_true(s.is_reused);
	tls_session_free(&s.session);
	shake_begin(&s, changed, client, NULL, session);
	shake_end(&s, shown, sizeof(shown));
	assert_string_equal(shown, "one.test");
	assert_false(s.is_reused);
	tls_session_free(&s.session);
	/* Two rotations later nobody takes it up any more. */
	for (int i = 0; i < 2; i++) {
		service->tickets.since -= LIFE * CLOCK_SEC;
		task_wake_all(&talks.due);
		task_sleep(clock_after(10 * CLOCK_MS));
	}
	shake_begin(&s, twin, client, NULL, session);
	shake_end(&s, shown, sizeof(shown));
	assert_int_equal(s.client_result, 0);
	assert_false(s.is_reused);
	tls_session_free(&s.session);
	tls_session_free(&session);
	identity_attach(same, NULL);
	identity_attach(other, NULL);
	tls_context_free(&twin);
	tls_context_free(&changed);
	identity_close(&same);
	identity_close(&other);
}

/* keys ends and comes again: who is in a handshake waits for it. */
static void
keys_restarts(struct tls_context *server, struct tls_context *client)
{
	struct shake s;
	char shown[300];
	unsigned before = links;

	talks_close(&talks);
	for (int i = 0; i < 10; i++)
		task_yield();
	shows(server, client, NULL, "one.test");
	assert_true(links > before);
	/* Away for a while: nothing hangs, nothing dies. */
	is_away = true;
	talks_close(&talks);
	shake_begin(&s, server, client, NULL, NULL);
	shake_end(&s, shown, sizeof(shown));
	assert_string_equal(shown, "");
	assert_true(s.server_result < 0);
	is_away = false;
	shows(server, client, NULL, "one.test");
}

/* The good among many bad ones: those whose client leaves in between. */
static void
many(struct tls_context *server, struct tls_context *client)
{
	struct shake s[50];
	char shown[300];

	for (size_t i = 0; i < 50; i++) {
		shake_begin(&s[i], server, client, NULL, NULL);
		if (i % 2 == 1)
			shutdown(s[i].client.io.fd,
			    i % 4 == 1 ? SHUT_WR : SHUT_RDWR);
	}
	for (size_t i = 0; i < 50; i++) {
		shake_end(&s[i], shown, sizeof(shown));
		assert_string_equal(shown, i % 2 == 1 ? "" : "one.test");
		tls_session_free(&s[i].session);
	}
}

static void
none_at_all(
    struct identity *id, struct tls_context *server, struct tls_context *client)
{
	row.sources.n = 0;
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	assert_false(identity_is_there(id));
	shows(server, client, NULL, "");
	row.sources.n = 1;
	load();
	for (int i = 0; i < 10; i++)
		task_yield();
	assert_true(identity_is_there(id));
}

static void
tend(void *arg)
{
	talks_tend(arg);
}

static void
run_all(void *arg)
{
	struct identity *id = identity_open(NULL, STR("settings"));
	struct tls_context *server = context(TLS_SERVER, id);
	struct tls_context *client = context(TLS_CLIENT, NULL);
	struct task *tending;

	(void)arg;
	load();
	tending = task_start(tend, &talks);
	assert_int_equal(identity_wait(id, CLOCK_NEVER), 0);
	identity_attach(id, server);
	it_is_shown(id, server, client);
	renewed(server, client);
	by_name(server, client);
	changed_while_asked(server, client);
	tickets(server, client);
	none_at_all(id, server, client);
	many(server, client);
	keys_restarts(server, client);
	tls_context_free(&server);
	tls_context_free(&client);
	identity_attach(id, NULL);
	identity_close(&id);
	task_cancel(tending);
	for (int i = 0; i < 10; i++)
		task_yield();
	loop_stop();
}

static void
new_file(char path[static 64])
{
	int fd = memfd_create("chain", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
}

static void
a_server(void **state)
{
	struct keys_file files[1];
	struct keys_source sources[1] = {{.files = {files, 1}}};

	(void)state;
	new_file(file);
	new_file(file2);
	files[0] = (struct keys_file){str_c(file)};
	one = EVP_EC_gen("P-256");
	two = EVP_RSA_gen(2048);
	write_chain(file, "one.test", one);
	row = (struct keys_service){
	    .client = STR("smtpd/smtp"),
	    .sources = {sources, 1},
	    .ticket_life = LIFE,
	};
	assert_int_equal(loop_init(), 0);
	talks_init(&talks);
	task_start(run_all, NULL);
	loop_run();
	talks_close(&talks);
	services_done(&talks.services);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_server),
};

TAP_RUN(tests)
