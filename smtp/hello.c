/* SPDX-License-Identifier: ISC */
/* hello - greeting, EHLO and its keywords. */
#include "hello.h"

#include "auth.h"
#include "base/log.h"
#include "filters.h"
#include "secure.h"

#define TABLE_ROOM ((size_t)256 * 1024)

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
	struct str whole = line, word = str_word(&line, " \t");
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
	else if (str_eq_case(word, STR("STARTTLS")))
		s->has_starttls = true;
	else if (str_eq_case(word, STR("AUTH")))
		auth_offer(s, line);
	else if (str_has_prefix_case(word, STR("AUTH=")))
		auth_offer(s, str_from(whole, strlen("AUTH=")));
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

/* RFC 3207 section 4.2: what was said before TLS counts no more. */
static void
forget_keywords(struct session *s)
{
	s->has_pipelining = s->has_size = s->has_8bit = s->has_utf8 = false;
	s->has_dsn = s->has_starttls = s->has_auth = false;
	s->size_limit = 0;
	buf_reset(&s->mechanisms);
}

static bool
greet_under_tls(struct session *s, struct fail *why)
{
	struct reply r;

	forget_keywords(s);
	reply_init(&r);
	bool ok = greet(s, true, &r, why);
	reply_done(&r);
	return ok;
}

/* Does it say that it is us? */
static void
look_for_own(struct session *s, const struct reply *r)
{
	if (s->settings->is_lmtp || s->port != s->settings->port ||
	    !says_own_name(s, r, 4))
		return;
	log_warning("host %s replied to HELO/EHLO with my own hostname %.*s",
	    s->relay.p, STR_ARG(s->settings->myhostname));
	s->is_own = true;
}

bool
hello_say(struct session *s, struct fail *why)
{
	struct reply r;
	bool esmtp, is_new;

	if (!take_greeting(s, why, &esmtp))
		return false;
	reply_init(&r);
	bool ok = greet(s, esmtp, &r, why);
	if (ok)
		look_for_own(s, &r);
	reply_done(&r);
	if (!ok || s->is_own)
		return ok;
	if (!secure_start(s, why, &is_new) ||
	    (is_new && !greet_under_tls(s, why)))
		return false;
	return auth_log_in(s, why);
}
