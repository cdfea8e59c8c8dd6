/* SPDX-License-Identifier: ISC */
/* session - the client's side of a connection (RFC 5321). */
#include "session.h"

#include "base/log.h"
#include "auth.h"
#include "connect.h"
#include "filters.h"
#include "hello.h"
#include "mail/notice_class.h"
#include "secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
session_serves(
    const struct session *s, const struct target *to, const struct terms *terms)
{
	return s->port == to->port && ip_eq(&s->ip, &to->ip) &&
	       str_eq(buf_str(&s->path), to->path) &&
	       login_eq(&s->login, &terms->login) &&
	       str_eq(buf_str(&s->policy_key), terms->policy.key);
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
	buf_init(&s->mechanisms, AUTH_OFFER_MAX);
	buf_init(&s->policy_key, POLICY_KEY_MAX);
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
	secure_keep(*s);
	if ((*s)->stream.io.fd >= 0)
		stream_done(&(*s)->stream);
	buf_done(&(*s)->path);
	buf_done(&(*s)->host);
	buf_done(&(*s)->name);
	buf_done(&(*s)->relay);
	buf_done(&(*s)->mechanisms);
	buf_done(&(*s)->policy_key);
	login_done(&(*s)->login);
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

void
session_leave(struct session *s)
{
	if (!s->is_dead && session_send(s, STR("QUIT")) == 0)
		(void)stream_flush(&s->stream);
	s->is_dead = true;
}

int
session_send(struct session *s, struct str command)
{
	transcript_out(&s->transcript, command);
	int e = stream_write(&s->stream, command);
	return e != 0 ? e : stream_write(&s->stream, STR("\r\n"));
}

int
session_send_secret(struct session *s, struct str command, struct str shown)
{
	transcript_out(&s->transcript, shown);
	stream_deadline(&s->stream, clock_after(s->settings->helo_time));
	return stream_write_secret(&s->stream, command, STR("\r\n"));
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

/* SECURITY: a server that says back what it heard does not bring a password
 * into the log, or to a postmaster. */
static void
hide_secret(const struct session *s, struct str line)
{
	ptrdiff_t at;

	while (s->secret.len > 0 && (at = str_find_str(line, s->secret)) >= 0)
		memset((char *)(uintptr_t)line.p + at, '*', s->secret.len);
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
		hide_secret(s, line);
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
	       !stream_has_input(&s->stream) &&
	       !s->stream.layer->has_input(&s->stream) &&
	       !s->stream.io.readable && !s->stream.io.is_hung_up;
}

/* ---- opening ---- */

/* Once connected. */
static bool
begin(struct session *s, const struct terms *terms, struct fail *why)
{
	fail_reset(why);
	login_copy(&s->login, &terms->login);
	buf_add_str(&s->policy_key, terms->policy.key);
	s->keeps = terms->policy.keeps;
	s->policy = &terms->policy;
	bool ok = (!s->policy->wraps || secure_shake_hands(s, why)) &&
	          hello_say(s, why);
	s->policy = NULL;
	return ok;
}

struct session *
session_open(const struct settings *settings, const struct target *to,
    const struct terms *terms, struct fail *why)
{
	struct session *s = new_session(settings, to);
	int e = connect_stream(&s->stream, settings, to);

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
	s->is_ready = begin(s, terms, why);
	if (!s->is_ready)
		s->is_dead = true;
	return s;
}
