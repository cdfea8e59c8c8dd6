/* SPDX-License-Identifier: ISC */
/* desk - fakes of qmgr, dns and lookup, and of the part of serve that smtpd
 * sees. */
#include "desk.h"

#include "desk_tls.h"

#include "base/chan.h"
#include "base/log.h"
#include "base/serve.h"
#include "base/task.h"
#include "fake_auth.h"
#include "mail/content.h"
#include "mail/proto/dns.h"
#include "mail/proto/lookup.h"
#include "mail/proto/memo.h"
#include "mail/proto/queue.h"
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINES    64
#define MESSAGES 64

struct desk_total {
	uint64_t what, n;
	struct str key;
};

static struct {
	struct arena arena;
	struct conf *conf;
	struct dict_env env;
	struct link *dns, *lookup;
	struct server *server;
	struct str dns_lines[LINES], host_lines[LINES];
	struct str file_lines[LINES];
	size_t ndns, nhosts, nfiles;
	uint64_t verdict;
	struct str dsn, text;
	struct queue_state state;
	struct desk_message messages[MESSAGES];
	size_t nmessages;
	struct desk_total totals[LINES];
	size_t ntotals;
	bool is_memo_down;
	struct str policy; /* how it answers */
	struct buf asked;
	unsigned policy_lines;
	struct chan *chans[8];
	size_t nchans;
	int log_fd;
	struct buf log;
} desk;

/* ---- what smtpd and the libraries see of serve ---- */

struct str
serve_service(const struct serve *sv)
{
	(void)sv;
	return STR("smtp");
}

uint64_t
serve_limit(const struct serve *sv)
{
	(void)sv;
	return 0;
}

void
serve_exit(struct serve *sv, int code)
{
	(void)sv;
	(void)code;
}

/* ---- dns ---- */

static void
answer_dns(struct chan *c, struct parcel *p, void *arg)
{
	static const struct {
		const char *word;
		uint64_t type;
	} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX},
	    {"NS", DNS_NS}, {"PTR", DNS_PTR}, {"TXT", DNS_TXT}};
	const struct dns_ask *ask = p->value;
	struct dns_record records[LINES];
	struct dns_answer a = {.find = FIND_NO,
	    .nxdomain = 1,
	    .name = ask->name,
	    .records = {records, 0}};
	struct ip ips[LINES];

	(void)arg;
	for (size_t i = 0; i < desk.ndns; i++) {
		struct str rest = desk.dns_lines[i];
		struct str name = str_word(&rest, " ");
		struct str word = str_word(&rest, " ");
		struct str data = str_trim(rest);
		size_t n = a.records.n;

		if (!str_eq_case(name, ask->name))
			continue;
		a.nxdomain = 0;
		if (str_eq(word, STR("RETRY")))
			a.find = FIND_RETRY;
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
			if (!str_eq(word, str_c(types[t].word)) ||
			    types[t].type != ask->type)
				continue;
			if (ip_parse(data, &ips[n]) == 0)
				data = str_n((char *)ips[n].b,
				    ips[n].family == 4 ? 4 : 16);
			if (str_eq(data, STR(".")))
				data = STR_NONE;
			records[n] = (struct dns_record){
			    .type = ask->type, .data = data};
			a.records.n++;
			a.find = FIND_YES;
		}
	}
	assert(chan_send(c, DNS_ANSWER, p->exchange, &a, NULL, 0) == 0);
}

/* ---- lookup ---- */

static void
answer_lookup(struct chan *c, struct parcel *p, void *arg)
{
	const struct lookup_ask *ask = p->value;
	struct lookup_answer a = {.find = FIND_NO};

	(void)arg;
	for (size_t i = 0; i < desk.nhosts; i++) {
		struct str rest = desk.host_lines[i];
		struct str address = str_word(&rest, " ");
		struct str name = str_trim(rest);

		if (ask->database == LOOKUP_ADDRESS &&
		    str_eq(ask->key, address)) {
			a.find = FIND_YES;
			a.text = name;
		} else if (ask->database == LOOKUP_HOST &&
			   str_eq(ask->key, name)) {
			a.find = FIND_YES;
			a.text = address;
		}
	}
	assert(chan_send(c, LOOKUP_ANSWER, p->exchange, &a, NULL, 0) == 0);
}

/* ---- qmgr ---- */

static void
keep_message(const struct queue_enqueue *e, struct parcel *p)
{
	struct desk_message *m = &desk.messages[desk.nmessages++];
	const struct recipient *r = e->envelope.recipients.p;
	struct content *content;
	char block[4096];
	ssize_t n;

	assert(desk.nmessages < MESSAGES);
	buf_init(&m->envelope, 1 << 20);
	buf_init(&m->content, 1 << 26);
	buf_addf(&m->envelope, "%.*s ->", STR_ARG(e->envelope.sender));
	for (size_t i = 0; i < e->envelope.recipients.n; i++)
		buf_addf(&m->envelope, " %.*s", STR_ARG(r[i].address));
	if (e->envelope.hold)
		buf_add_c(&m->envelope, "; held");
	if (e->envelope.filter.len > 0)
		buf_addf(
		    &m->envelope, "; by %.*s", STR_ARG(e->envelope.filter));
	assert(content_receive(&e->content, p, &content) == 0);
	for (size_t at = 0;
	     (n = content_read(content, at, block, sizeof(block))) > 0;
	     at += (size_t)n)
		buf_add(&m->content, block, (size_t)n);
	content_unref(&content);
}

static void
answer_queue(struct chan *c, struct parcel *p, void *arg)
{
	static uint64_t generation = 1000;
	struct queue_generation g = {.generation = generation++};
	struct queue_queued q = {desk.verdict, desk.dsn, desk.text};

	(void)arg;
	if (p->kind == QUEUE_JOIN) {
		assert(chan_send(
			   c, QUEUE_GENERATION, p->exchange, &g, NULL, 0) == 0);
		assert(chan_send(c, QUEUE_STATE, 0, &desk.state, NULL, 0) == 0);
		return;
	}
	assert(p->kind == QUEUE_ENQUEUE);
	if (desk.verdict == QUEUE_OK)
		keep_message(p->value, p);
	assert(chan_send(c, QUEUE_QUEUED, p->exchange, &q, NULL, 0) == 0);
}

/* ---- memo: one process asks, and no window ends ---- */

static uint64_t
count(const struct memo_count *c)
{
	struct desk_total *t = desk.totals;

	while (t < desk.totals + desk.ntotals &&
	       (t->what != c->what || !str_eq(t->key, c->key)))
		t++;
	if (t == desk.totals + desk.ntotals) {
		assert(desk.ntotals < LINES);
		desk.ntotals++;
		*t = (struct desk_total){
		    c->what, 0, arena_str(&desk.arena, c->key)};
	}
	t->n = c->what == MEMO_SESSIONS ? c->n : t->n + c->n;
	return t->n;
}

static void
answer_memo(struct chan *c, struct parcel *p, void *arg)
{
	const struct memo_ask *ask = p->value;
	struct memo_total totals[MEMO_COUNTS_MAX];
	struct memo_answer a = {{totals, ask->counts.n}};

	(void)arg;
	for (size_t i = 0; i < ask->counts.n; i++)
		totals[i].n =
		    count((const struct memo_count *)ask->counts.p + i);
	if (p->kind == MEMO_ASK)
		assert(
		    chan_send(c, MEMO_ANSWER, p->exchange, &a, NULL, 0) == 0);
}

void
desk_memo_down(bool is_down)
{
	desk.is_memo_down = is_down;
}

/* ---- conversations ---- */

int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	static const struct chan_events dns = {.on_parcel = answer_dns};
	static const struct chan_events lookup = {.on_parcel = answer_lookup};
	static const struct chan_events memo = {.on_parcel = answer_memo};
	static const struct chan_events queue = {.on_parcel = answer_queue};
	struct chan *c;
	int fds[2];

	(void)sv;
	(void)deadline;
	if (strcmp(service, "memo") == 0 && desk.is_memo_down)
		return -ETIMEDOUT;
	if (chan_pair(fds) < 0)
		return -EMFILE;
	if (strcmp(service, "dns") == 0)
		c = chan_new(fds[1], &dns_protocol, &dns, NULL);
	else if (strcmp(service, "lookup") == 0)
		c = chan_new(fds[1], &lookup_protocol, &lookup, NULL);
	else if (strcmp(service, "memo") == 0)
		c = chan_new(fds[1], &memo_protocol, &memo, NULL);
	else
		c = chan_new(fds[1], &queue_protocol, &queue, NULL);
	assert(desk.nchans < 8);
	desk.chans[desk.nchans++] = c;
	return fds[0];
}

/* ---- a policy service ---- */

/* One request and its answer; false: that was all. */
static bool
answer_policy(struct stream *s)
{
	struct str line, how;
	bool crlf;

	if (stream_read_line(s, STREAM_LINE_MAX, &line, &crlf) < 0)
		return false;
	buf_reset(&desk.asked);
	buf_addf(&desk.asked, "%.*s\n", STR_ARG(line));
	do {
		if (stream_read_line(s, STREAM_LINE_MAX, &line, &crlf) < 0)
			return false;
		buf_addf(&desk.asked, "%.*s\n", STR_ARG(line));
	} while (line.len > 0);
	how = desk.policy;
	if (str_eq(how, STR("hangup")))
		return false;
	if (str_has_prefix(how, STR("raw ")))
		stream_write(s, str_from(how, 4));
	else if (!str_eq(how, STR("silent")))
		stream_writef(s, "action=%.*s\n\n", STR_ARG(how));
	return stream_flush(s) == 0;
}

static void
serve_policy(void *arg)
{
	struct stream *s = arg;

	while (answer_policy(s))
		;
	stream_done(s);
	free(s);
}

int
serve_connect(struct serve *sv, struct str endpoint, int64_t deadline)
{
	struct stream *s;
	int fds[2];

	(void)sv;
	(void)deadline;
	if (str_has_suffix(endpoint, STR("/auth")))
		return fake_auth_connect();
	if (str_eq(desk.policy, STR("down")))
		return -ECONNREFUSED;
	s = calloc(1, sizeof(*s));
	assert(s != NULL);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, fds) == 0);
	assert(stream_init(s, fds[1]) == 0);
	stream_deadline(s, CLOCK_NEVER);
	desk.policy_lines++;
	task_start(serve_policy, s);
	return fds[0];
}

void
desk_policy(struct str how)
{
	desk.policy = how;
}

struct str
desk_policy_request(void)
{
	return buf_str(&desk.asked);
}

unsigned
desk_policy_lines(void)
{
	return desk.policy_lines;
}

static int
open_file(void *arg, const char *path)
{
	int fd = -ENOENT;

	(void)arg;
	for (size_t i = 0; i < desk.nfiles; i++) {
		struct str rest = desk.file_lines[i];
		struct str name = str_word(&rest, " ");

		if (!str_eq(name, str_c(path)))
			continue;
		if (fd < 0)
			fd = memfd_create("file", MFD_CLOEXEC);
		assert(fd >= 0);
		rest =
		    arena_strf(&desk.arena, "%.*s\n", STR_ARG(str_trim(rest)));
		assert(write(fd, rest.p, rest.len) == (ssize_t)rest.len);
	}
	return fd;
}

static void
say_remark(void *arg, const struct conf_remark *r)
{
	(void)arg;
	if (r->severity == CONF_ERROR)
		(void)fprintf(stderr, "main.cf, line %u: %.*s\n", r->line,
		    STR_ARG(r->text));
}

/* ---- the desk ---- */

struct start {
	void (*fn)(void *);
	void *arg;
};

static void
run_and_stop(void *arg)
{
	struct start *s = arg;

	s->fn(s->arg);
	loop_stop();
}

void
desk_run(void (*fn)(void *), void *arg)
{
	struct start s = {fn, arg};

	if (desk.server == NULL) {
		arena_init(&desk.arena, 1 << 20);
		assert(loop_init() == 0);
	}
	task_start(run_and_stop, &s);
	loop_run();
}

void
desk_dns(struct str record)
{
	assert(desk.ndns < LINES);
	desk.dns_lines[desk.ndns++] = arena_str(&desk.arena, record);
}

void
desk_host(struct str line)
{
	assert(desk.nhosts < LINES);
	desk.host_lines[desk.nhosts++] = arena_str(&desk.arena, line);
}

void
desk_file(struct str line)
{
	assert(desk.nfiles < LINES);
	desk.file_lines[desk.nfiles++] = arena_str(&desk.arena, line);
}

void
desk_queue(uint64_t verdict, struct str dsn, struct str text)
{
	desk.verdict = verdict;
	desk.dsn = dsn;
	desk.text = text;
}

void
desk_room(uint64_t room, struct str dsn, struct str text)
{
	desk.state = (struct queue_state){
	    .is_open = room > 0,
	    .room = room,
	    .dsn = arena_str(&desk.arena, dsn),
	    .text = arena_str(&desk.arena, text),
	};
	for (size_t i = 0; i < desk.nchans; i++)
		(void)chan_send(
		    desk.chans[i], QUEUE_STATE, 0, &desk.state, NULL, 0);
}

void
desk_open(const char *main_cf)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 4096);
	if (desk.state.room == 0 && desk.state.text.len == 0)
		desk_room(UINT64_C(1) << 30, STR_NONE, STR_NONE);
	desk.log_fd = memfd_create("log", MFD_CLOEXEC);
	assert(desk.log_fd >= 0);
	log_init("smtpd");
	log_host(STR("desk"));
	log_open(LOG_TARGET_FILE, dup(desk.log_fd));
	desk.conf = conf_from_text(
	    "/nonexistent", str_c(main_cf), STR_NONE, say_remark, NULL);
	assert(desk.conf != NULL);
	buf_init(&desk.asked, 1 << 20);
	desk.policy_lines = 0;
	fake_auth_forget();
	desk.env = (struct dict_env){
	    .open = open_file,
	    .default_type = STR("inline"),
	};
	desk.dns = link_new(NULL, "dns", &dns_protocol, NULL, NULL);
	desk.lookup = link_new(NULL, "lookup", &lookup_protocol, NULL, NULL);
	desk.server =
	    server_new(NULL, desk.conf, &desk.env, desk.dns, desk.lookup, &why);
	if (desk.server == NULL)
		(void)fprintf(stderr, "%s\n", why.p);
	assert(desk.server != NULL);
	desk_tls_open(desk.server);
}

void
desk_forget(void)
{
	for (size_t i = 0; i < desk.nmessages; i++) {
		buf_done(&desk.messages[i].envelope);
		buf_done(&desk.messages[i].content);
	}
	desk.nmessages = 0;
	assert(ftruncate(desk.log_fd, 0) == 0);
	assert(lseek(desk.log_fd, 0, SEEK_SET) == 0);
}

void
desk_wait(void)
{
	for (int i = 0; i < 5000 && desk.server->session_count > 0; i++)
		task_sleep(clock_after(i < 50 ? 0 : CLOCK_MS));
	assert(desk.server->session_count == 0);
}

void
desk_close(void)
{
	desk_wait();
	server_free(&desk.server);
	desk_tls_close();
	link_free(&desk.dns);
	link_free(&desk.lookup);
	for (size_t i = 0; i < desk.nchans; i++)
		chan_close(&desk.chans[i]);
	/* Their readers, and what waited for them, come to their ends. */
	task_sleep(clock_after(10 * CLOCK_MS));
	conf_free(&desk.conf);
	buf_done(&desk.asked);
	fake_auth(STR("up"));
	fake_auth_forget();
	desk_forget();
	log_init("test");
	close(desk.log_fd);
	buf_done(&desk.log);
	arena_done(&desk.arena);
	memset(&desk, 0, sizeof(desk));
}

struct server *
desk_server(void)
{
	return desk.server;
}

int
desk_connect(struct str address)
{
	struct ip ip;
	int fds[2];

	assert(ip_parse(address, &ip) == 0);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, fds) == 0);
	session_start(desk.server, fds[1], &ip, 12345);
	return fds[0];
}

size_t
desk_sessions(void)
{
	return desk.server->session_count;
}

size_t
desk_messages(void)
{
	return desk.nmessages;
}

const struct desk_message *
desk_message(size_t i)
{
	assert(i < desk.nmessages);
	return &desk.messages[i];
}

/* "Nov 24 05:00:00 desk smtpd[123]: body" -> "body". */
struct str
desk_log(void)
{
	BUF_CLEANUP struct buf all = {0};
	struct str rest, line;
	ssize_t n;

	log_flush();
	buf_init(&all, 1 << 24);
	while ((n = pread(desk.log_fd, buf_room(&all, 65536), 65536,
		    (off_t)all.len)) > 0)
		buf_grew(&all, (size_t)n);
	buf_done(&desk.log);
	buf_init(&desk.log, 1 << 24);
	rest = buf_str(&all);
	while (str_line(&rest, &line)) {
		ptrdiff_t at = str_find_str(line, STR("]: "));

		buf_add_str(
		    &desk.log, at < 0 ? line : str_from(line, (size_t)at + 3));
		buf_add_char(&desk.log, '\n');
	}
	return buf_str(&desk.log);
}
