/* SPDX-License-Identifier: ISC */
/* session - the client's side of a connection (RFC 5321). */
#include "session.h"

#include "base/log.h"
#include "mail/notice_class.h"
#include "filters.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A host has at most 255 bytes, a path NEXTHOP_PATH_MAX. */
#define NAME_MAX_BYTES 768
#define TABLE_ROOM     ((size_t)256 * 1024)

void
session_call(struct session *s, struct str host)
{
	char ip[IP_TEXT_MAX] = "";
	bool is_path = s->path.len > 0;

	if (!is_path)
		ip_format(&s->ip, ip);
	buf_reset(&s->host);
	buf_reset(&s->name);
	buf_reset(&s->relay);
	buf_add_str(&s->host, host);
	buf_addf(&s->name, "%s[%s]", s->host.p, is_path ? s->path.p : ip);
	buf_add_str(&s->relay, buf_str(&s->name));
	if (!is_path)
		buf_addf(&s->relay, ":%u", s->port);
}

bool
session_is_to(const struct session *s, const struct target *to)
{
	return s->port == to->port && ip_eq(&s->ip, &to->ip) &&
	       str_eq(buf_str(&s->path), to->path);
}

static struct session *
new_session(const struct settings *settings, const struct target *to)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory");
	s->settings = settings;
	s->stream.io.fd = -1;
	s->ip = to->ip;
	s->port = to->port;
	buf_init(&s->path, NEXTHOP_PATH_MAX);
	buf_add_str(&s->path, to->path);
	buf_init(&s->host, NAME_MAX_BYTES);
	buf_init(&s->name, NAME_MAX_BYTES);
	buf_init(&s->relay, NAME_MAX_BYTES);
	session_call(s, to->host);
	/* No other trouble is noted here. */
	transcript_init(&s->transcript, settings->notices & NOTICE_PROTOCOL);
	s->opened = clock_mono();
	return s;
}

void
session_free(struct session **s)
{
	if (*s == NULL)
		return;
	if ((*s)->stream.io.fd >= 0)
		stream_done(&(*s)->stream);
	buf_done(&(*s)->path);
	buf_done(&(*s)->host);
	buf_done(&(*s)->name);
	buf_done(&(*s)->relay);
	transcript_done(&(*s)->transcript);
	free(*s);
	*s = NULL;
}

void
session_quit(struct session **s)
{
	struct session *me = *s;
	struct reply r;

	reply_init(&r);
	if (me != NULL && !me->is_dead && session_is_quiet(me)) {
		stream_deadline(
		    &me->stream, clock_after(me->settings->quit_time));
		if (session_send(me, STR("QUIT")) == 0 &&
		    stream_flush(&me->stream) == 0 &&
		    !me->settings->skip_quit_reply)
			session_reply(me, &r, me->settings->quit_time);
	}
	reply_done(&r);
	session_free(s);
}

int
session_send(struct session *s, struct str command)
{
	transcript_out(&s->transcript, command);
	int e = stream_write(&s->stream, command);
	return e != 0 ? e : stream_write(&s->stream, STR("\r\n"));
}

/* What is no reply, and x0z: one of us does not keep to the protocol (RFC 5321
 * section 4.2.1). */
static void
note_trouble(struct session *s, const struct reply *r, enum reply_step step)
{
	bool is_syntax = r->code >= 400 && r->code / 10 % 10 == 0;

	if (step == REPLY_BAD || is_syntax)
		s->transcript.troubles |= NOTICE_PROTOCOL;
}

/* As smtp_reply_filter will have it. */
static enum reply_step
add_line(struct session *s, struct reply *r, struct str line)
{
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, TABLE_ROOM);
	if (s->settings->filters != NULL)
		line = filters_reply(s->settings->filters, line, &a);
	return reply_add(r, line);
}

int
session_reply(struct session *s, struct reply *r, int64_t timeout)
{
	enum reply_step step = REPLY_MORE;
	struct str line;
	bool crlf;

	reply_reset(r);
	stream_deadline(&s->stream, clock_after(timeout));
	while (step == REPLY_MORE) {
		int e =
		    stream_read_line(&s->stream, REPLY_LINE_MAX, &line, &crlf);
		if (e == -EMSGSIZE)
			e = -EBADMSG;
		if (e == -EBADMSG)
			s->transcript.troubles |= NOTICE_PROTOCOL;
		if (e != 0) {
			s->is_dead = true;
			return e;
		}
		transcript_in(&s->transcript, line);
		step = add_line(s, r, line);
	}
	if (step == REPLY_BAD || r->code == 421)
		s->is_dead = true;
	note_trouble(s, r, step);
	return step == REPLY_BAD ? -EBADMSG : 0;
}

void
session_broke(struct session *s, int error, const struct reply *r,
    const char *doing, struct fail *why)
{
	const char *name = s->name.p;

	s->is_dead = true;
	if (error == -ETIMEDOUT)
		fail_set(why, "4.4.2",
		    "conversation with %s timed out while %s", name, doing);
	else if (error == -EBADMSG)
		fail_set(why, "4.5.0",
		    "host %s said what is not SMTP: %.*s (while %s)", name,
		    (int)(r->text.len > 100 ? 100 : r->text.len), r->text.p,
		    doing);
	else
		fail_set(why, "4.4.2", "lost connection with %s while %s", name,
		    doing);
}

bool
session_is_quiet(const struct session *s)
{
	return !s->is_dead && s->stream.error == 0 &&
	       !stream_has_input(&s->stream) && !s->stream.io.readable &&
	       !s->stream.io.is_hung_up;
}

/* ---- opening ---- */

static int
bind_to(int fd, const struct ip *from, bool enforce)
{
	struct sockaddr_storage ss;
	char text[IP_TEXT_MAX];

	if (from->family == 0)
		return 0;
	socklen_t len = ip_to_sockaddr(from, 0, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	int e = -errno;
	ip_format(from, text);
	log_warning("smtp_bind_address: bind %s: %s", text, strerror(-e));
	return enforce ? e : 0;
}

static int
open_socket(const struct settings *c, const struct ip *to)
{
	int fd = socket(to->family == 6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	int e = bind_to(
	    fd, to->family == 6 ? &c->bind6 : &c->bind4, c->enforce_bind);
	/* A group of commands is one write: nothing is gained by waiting. */
	if (e == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		e = -errno;
	if (e == 0)
		return fd;
	close(fd);
	return e;
}

/* The stream over a descriptor, which it takes. */
static int
begin_stream(struct session *s, int fd)
{
	int e = stream_init(&s->stream, fd);

	if (e != 0) {
		close(fd);
		s->stream.io.fd = -1;
	}
	return e;
}

static int
connect_to_socket(struct session *s, int64_t deadline)
{
	BUF_CLEANUP struct buf endpoint = {0};

	buf_init(&endpoint, NEXTHOP_PATH_MAX + 5);
	buf_addf(&endpoint, "unix:%s", s->path.p);
	int fd = s->settings->dial(buf_str(&endpoint), deadline);
	return fd < 0 ? fd : begin_stream(s, fd);
}

static int
connect_to(struct session *s, const struct target *to)
{
	int64_t time = s->settings->connect_time;
	int64_t deadline = time > 0 ? clock_after(time) : CLOCK_NEVER;

	if (to->path.len > 0)
		return connect_to_socket(s, deadline);
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&to->ip, to->port, &ss);
	int fd = open_socket(s->settings, &to->ip);

	if (fd < 0)
		return fd;
	int e = begin_stream(s, fd);
	return e != 0 ? e
	              : io_connect(&s->stream.io, (struct sockaddr *)&ss, len,
			    deadline);
}

static bool
says_own_name(const struct session *s, const struct reply *r, size_t skip)
{
	struct str line = str_from(buf_str(&r->text), skip);

	return str_eq_case(str_word(&line, " \n"), s->settings->myhostname);
}

static bool
take_greeting(struct session *s, struct fail *why, bool *ret_esmtp)
{
	static const char doing[] = "receiving the initial server greeting";
	struct reply r;
	bool ok = false;

	reply_init(&r);
	int e = session_reply(s, &r, s->settings->helo_time);
	if (e != 0) {
		session_broke(s, e, &r, doing, why);
	} else if (!reply_is_positive(&r)) {
		fail_refused(why, &r, s->name.p);
		/* The next server may think better of us. */
		if (s->settings->skip_5xx_greeting)
			why->dsn[0] = '4';
	} else {
		ok = true;
	}
	*ret_esmtp = s->settings->always_ehlo ||
	             str_find_str(buf_str(&r.text), STR("ESMTP")) >= 0;
	if (ok && !s->settings->is_lmtp && says_own_name(s, &r, 4))
		log_warning("host %s greeted me with my own hostname %.*s",
		    s->relay.p, STR_ARG(s->settings->myhostname));
	reply_done(&r);
	return ok;
}

/* Of smtp_discard_ehlo_keywords? */
static bool
is_discarded(struct str rest, struct str keyword)
{
	struct str word;

	while ((word = str_word(&rest, ", \t\r\n")).len > 0)
		if (str_eq_case(word, keyword))
			return true;
	return false;
}

static void
take_keyword(struct session *s, struct str line, struct str discard)
{
	struct str word = str_word(&line, " \t");
	uint64_t n;

	if (is_discarded(discard, word))
		return;
	if (str_eq_case(word, STR("PIPELINING")))
		s->has_pipelining = true;
	else if (str_eq_case(word, STR("8BITMIME")))
		s->has_8bit = true;
	else if (str_eq_case(word, STR("SMTPUTF8")))
		s->has_utf8 = true;
	else if (str_eq_case(word, STR("DSN")))
		s->has_dsn = true;
	else if (str_eq_case(word, STR("SIZE"))) {
		s->has_size = true;
		if (str_parse_u64(str_word(&line, " \t"), UINT64_MAX, &n) == 0)
			s->size_limit = n;
	}
}

/* RFC 5321 section 4.1.1.1: a keyword a line, behind the first one. */
static void
take_keywords(struct session *s, const struct reply *r)
{
	struct str text = buf_str(&r->text), line;
	struct str discard = s->settings->discard;
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, TABLE_ROOM);
	if (s->settings->filters != NULL)
		discard =
		    filters_keywords(s->settings->filters, &s->ip, discard, &a);
	str_cut(text, '\n', NULL, &text);
	while (text.len > 0) {
		str_cut(text, '\n', &line, &text);
		take_keyword(s, str_from(line, 4), discard);
	}
}

/* 0, with the reply; or broken, with *why. */
static int
say_hello(
    struct session *s, const char *verb, struct reply *r, struct fail *why)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, 512);
	buf_addf(&b, "%s %.*s", verb, STR_ARG(s->settings->helo_name));
	int e = session_send(s, buf_str(&b));
	if (e == 0)
		e = session_reply(s, r, s->settings->helo_time);
	if (e != 0) {
		buf_reset(&b);
		buf_addf(&b, "performing the %s handshake", verb);
		session_broke(s, e, r, b.p, why);
	}
	return e;
}

static bool
greet(struct session *s, bool esmtp, struct reply *r, struct fail *why)
{
	if (s->settings->is_lmtp) {
		if (say_hello(s, "LHLO", r, why) != 0)
			return false;
		if (reply_is_positive(r)) {
			take_keywords(s, r);
			return true;
		}
		fail_refused(why, r, s->name.p);
		/* An SMTP server was named for it: by this host. */
		if (fail_is_hard(why))
			fail_soften(why, "4.3.5");
		return false;
	}
	if (esmtp && !s->settings->never_ehlo) {
		if (say_hello(s, "EHLO", r, why) != 0)
			return false;
		if (reply_is_positive(r)) {
			take_keywords(s, r);
			return true;
		}
		/* A server that knows HELO alone is none to tell of. */
		s->transcript.troubles = 0;
		if (s->is_dead) { /* 421 */
			fail_refused(why, r, s->name.p);
			return false;
		}
	}
	if (say_hello(s, "HELO", r, why) != 0)
		return false;
	if (reply_is_positive(r))
		return true;
	fail_refused(why, r, s->name.p);
	return false;
}

static bool
start(struct session *s, struct fail *why)
{
	struct reply r;
	bool esmtp;

	if (!take_greeting(s, why, &esmtp))
		return false;
	reply_init(&r);
	bool ok = greet(s, esmtp, &r, why);
	if (ok && !s->settings->is_lmtp && s->port == s->settings->port &&
	    says_own_name(s, &r, 4)) {
		log_warning("host %s replied to HELO/EHLO with my own "
			    "hostname %.*s",
		    s->relay.p, STR_ARG(s->settings->myhostname));
		s->is_own = true;
	}
	reply_done(&r);
	return ok;
}

struct session *
session_open(
    const struct settings *settings, const struct target *to, struct fail *why)
{
	struct session *s = new_session(settings, to);
	int e = connect_to(s, to);

	if (e == -EACCES && s->path.len > 0) {
		fail_set(why, "4.3.5",
		    "connect to %s: Permission denied (a socket lies in "
		    "private/, or a parameter of main.cf names it)",
		    s->relay.p);
		session_free(&s);
		return NULL;
	}
	if (e != 0) {
		fail_set(why, "4.4.1", "connect to %s: %s", s->relay.p,
		    strerror(-e));
		session_free(&s);
		return NULL;
	}
	fail_reset(why);
	if (!start(s, why))
		s->is_dead = true;
	return s;
}
