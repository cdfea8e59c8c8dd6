/* SPDX-License-Identifier: ISC */
/* auth - the dialogue of AUTH. */
#include "auth.h"

#include "base/log.h"
#include "login.h"
#include "mail/base64.h"
#include "mail/sasl.h"
#include "net/tls.h"

#include <errno.h>

#define LINE_MAX_BYTES (2 * SASL_RESPONSE_MAX)
#define INITIAL_MAX    510 /* RFC 4954 section 4: with CRLF 512 */
#define SECRET_MIN     4   /* shorter is no response, but "*" or nothing */
#define ROOM           ((size_t)64 * 1024)

void
auth_offer(struct session *s, struct str mechanisms)
{
	s->has_auth = true;
	/* Many lines of it are one offer. */
	if (s->mechanisms.len > 0)
		buf_add_char(&s->mechanisms, ' ');
	buf_add_str(&s->mechanisms, str_trim(mechanisms));
}

/* ---- which mechanism ---- */

static bool
is_offered(const struct session *s, const char *name)
{
	struct str rest = buf_str(&s->mechanisms), word;

	while ((word = str_word(&rest, " \t")).len > 0)
		if (str_eq_case(word, str_c(name)))
			return true;
	return false;
}

/* A table that cannot be asked allows nothing. */
static bool
passes_filter(const struct logins *l, const char *name)
{
	ARENA_CLEANUP struct arena a = {0};

	if (!l->has_filter)
		return true;
	arena_init(&a, ROOM);
	return match_domain(l->mechanisms, str_c(name), &a) == FIND_YES;
}

static unsigned
needs_of(const struct session *s, const struct logins *l)
{
	if (tls_info(&s->stream) == NULL)
		return l->needs_bare;
	return s->is_proved ? l->needs_proved : l->needs_tls;
}

static const struct sasl_mechanism *
choose(const struct session *s, const struct logins *l)
{
	unsigned needs = needs_of(s, l);
	const struct sasl_mechanism *m;

	for (size_t i = 0; (m = sasl_at(i)) != NULL; i++)
		if ((needs & ~sasl_withstands(m)) == 0 &&
		    is_offered(s, sasl_name(m)) &&
		    passes_filter(l, sasl_name(m)))
			return m;
	return NULL;
}

/* ---- the dialogue ---- */

struct dialogue {
	struct session *s;
	struct sasl *sasl;
	struct reply reply;
	struct buf plain, line; /* what is said, and how */
	struct fail *why;
};

static bool
cannot(struct dialogue *d, const char *because)
{
	fail_set(d->why, "4.7.0",
	    "SASL authentication failed; cannot authenticate to server %s: %s",
	    d->s->name.p, because);
	return false;
}

/* Says d->line, whose last word is a secret unless it is shown, and hears. */
static bool
exchange(struct dialogue *d, struct str shown)
{
	struct str line = buf_str(&d->line);
	int e =
	    d->line.full ? -EMSGSIZE : session_send_secret(d->s, line, shown);

	if (!str_eq(line, shown))
		d->s->secret =
		    str_from(line, (size_t)(str_find_last(line, ' ') + 1));
	if (e == 0)
		e = session_reply(d->s, &d->reply, d->s->settings->helo_time);
	d->s->secret = STR_NONE;
	if (e == 0)
		return true;
	session_broke(
	    d->s, e, &d->reply, "performing SASL authentication", d->why);
	return false;
}

/* RFC 4954 section 4: "*", and the server says what it thinks of that. */
static bool
cancel(struct dialogue *d, const char *because)
{
	buf_reset(&d->line);
	buf_add_char(&d->line, '*');
	return exchange(d, STR("*")) && cannot(d, because);
}

/* "AUTH MECHANISM", with the first response where it fits. */
static bool
begin(struct dialogue *d, const struct sasl_mechanism *m)
{
	const char *because;

	buf_addf(&d->line, "AUTH %s", sasl_name(m));
	size_t bare = d->line.len;
	struct str shown = buf_str(&d->line);
	if (!sasl_speaks_first(m))
		return exchange(d, shown);
	if (!sasl_step(d->sasl, STR_NONE, &d->plain, &because))
		return cannot(d, because);
	buf_add_char(&d->line, ' ');
	base64_encode(buf_str(&d->plain), &d->line);
	if (d->line.len <= INITIAL_MAX) {
		shown.p = d->line.p;
		return exchange(d, shown);
	}
	/* Too long for there: it asks for it. */
	buf_cut(&d->line, bare);
	shown.p = d->line.p;
	if (!exchange(d, shown))
		return false;
	if (d->reply.code != 334)
		return true;
	buf_reset(&d->line);
	base64_encode(buf_str(&d->plain), &d->line);
	return exchange(d, STR("(response)"));
}

/* "334 challenge". */
static bool
answer(struct dialogue *d)
{
	struct str text = str_trim(str_from(buf_str(&d->reply.text), 4));
	BUF_CLEANUP struct buf challenge = {0};
	const char *because;

	buf_init(&challenge, REPLY_LINE_MAX);
	if (base64_decode(text, &challenge) != 0)
		return cancel(d, "a challenge that is not base64");
	if (!sasl_step(d->sasl, buf_str(&challenge), &d->plain, &because))
		return cancel(d, because);
	buf_reset(&d->line);
	base64_encode(buf_str(&d->plain), &d->line);
	return exchange(d, STR("(response)"));
}

/* SECURITY: 2xx counts only when all was shown that has to be. */
static bool
conclude(struct dialogue *d)
{
	if (!reply_is_positive(&d->reply)) {
		fail_login(d->why, &d->reply, d->s->name.p);
		if (d->s->settings->logins->soft_bounce)
			d->why->dsn[0] = '4';
		return false;
	}
	return sasl_is_complete(d->sasl) ||
	       cannot(d, "it said yes before the mechanism came to its end");
}

static bool
talk(struct dialogue *d, const struct sasl_mechanism *m)
{
	if (!begin(d, m))
		return false;
	while (d->reply.code == 334)
		if (!answer(d))
			return false;
	return conclude(d);
}

static bool
log_in_by(struct session *s, const struct sasl_mechanism *m, struct fail *why)
{
	struct dialogue d = {.s = s,
	    .why = why,
	    .sasl = sasl_new(
		m, buf_str(&s->login.user), buf_str(&s->login.password))};

	if (d.sasl == NULL)
		return cannot(&d, "the password table has no password for it");
	reply_init(&d.reply);
	buf_init_secret(&d.plain, SASL_RESPONSE_MAX);
	buf_init_secret(&d.line, LINE_MAX_BYTES);
	bool ok = talk(&d, m);
	buf_done(&d.plain);
	buf_done(&d.line);
	reply_done(&d.reply);
	sasl_free(&d.sasl);
	return ok;
}

static void
say_none(struct session *s, struct fail *why)
{
	log_warning("SASL authentication failure: No worthy mechs found");
	fail_set(why, "4.7.0",
	    "SASL authentication failed; cannot authenticate to server %s: no "
	    "mechanism available (of \"%.*s\" the %s connection may have none: "
	    "see smtp_sasl_security_options, smtp_sasl_mechanism_filter)",
	    s->name.p, STR_ARG(str_sub(buf_str(&s->mechanisms), 0, 200)),
	    tls_info(&s->stream) == NULL ? "unencrypted" : "encrypted");
}

bool
auth_log_in(struct session *s, struct fail *why)
{
	const struct logins *l = s->settings->logins;

	if (l == NULL || !s->has_auth || login_is_nobody(&s->login))
		return true;
	const struct sasl_mechanism *m = choose(s, l);
	if (m == NULL)
		say_none(s, why);
	else
		s->is_known = log_in_by(s, m, why);
	if (!s->is_known)
		session_leave(s);
	return s->is_known;
}
