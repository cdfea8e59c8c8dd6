/* SPDX-License-Identifier: ISC */
/* dovecot - authentications under way, and which mechanisms there are. */
#include "dovecot.h"

#include "base/clock.h"
#include "base/log.h"
#include "dovecot_server.h"
#include "mail/bounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GIVE_UP_TIME CLOCK_SEC /* for the server to take a CANCEL */

/* As fail2ban's filters know it: no try of the client's to guess. */
#define LOST "Connection lost to authentication server"

/* ---- what may be offered ---- */

static const struct {
	const char *word;
	unsigned forbidden, required;
} options[] = {
    {"noplaintext", DOVECOT_PLAINTEXT, 0},
    {"noactive", DOVECOT_ACTIVE, 0},
    {"nodictionary", DOVECOT_DICTIONARY, 0},
    {"noanonymous", DOVECOT_ANONYMOUS, 0},
    {"forward_secrecy", 0, DOVECOT_FORWARD_SECRECY},
    {"mutual_auth", 0, DOVECOT_MUTUAL_AUTH},
};

static bool
read_options(const struct conf *c, enum param p, struct dovecot_limits *ret,
    struct buf *why)
{
	const size_t n = sizeof(options) / sizeof(options[0]);
	struct str list = conf_str(c, p), word;

	*ret = (struct dovecot_limits){.forbidden = DOVECOT_PRIVATE};
	while ((word = str_word(&list, ", \t\r\n")).len > 0) {
		size_t i = 0;

		while (i < n && !str_eq_case(word, str_c(options[i].word)))
			i++;
		if (i == n) {
			buf_addf(why, "%s: \"%.*s\" is no such option",
			    param_table[p].name, STR_ARG(word));
			return false;
		}
		ret->forbidden |= options[i].forbidden;
		ret->required |= options[i].required;
	}
	return true;
}

static bool
may_offer(struct dovecot *d, const struct dovecot_mechanism *m, bool is_tls,
    struct arena *a)
{
	const struct dovecot_limits *l = is_tls ? &d->tls : &d->plain;

	return (m->properties & l->forbidden) == 0 &&
	       (m->properties & l->required) == l->required &&
	       match_domain(d->filter, str_c(m->name), a) == FIND_YES;
}

/* What every server has. */
static const struct dovecot_mechanism usual[] = {
    {"PLAIN", DOVECOT_PLAINTEXT},
    {"LOGIN", DOVECOT_PLAINTEXT},
};

struct str
dovecot_mechanisms(struct dovecot *d, bool is_tls, struct arena *a)
{
	const struct dovecot_mechanism *m = usual;
	struct str list = STR_NONE;
	size_t n = sizeof(usual) / sizeof(usual[0]);

	if (d->nmechanisms == 0)
		(void)dovecot_open(d, clock_after(DOVECOT_PATIENCE));
	if (d->nmechanisms > 0) {
		m = d->mechanisms;
		n = d->nmechanisms;
	}
	for (size_t i = 0; i < n; i++)
		if (may_offer(d, &m[i], is_tls, a))
			list = arena_strf(a, "%.*s%s%s", STR_ARG(list),
			    list.len > 0 ? " " : "", m[i].name);
	return list;
}

/* Of the open connection; NULL: not that, not here. */
static const struct dovecot_mechanism *
find_mechanism(struct dovecot *d, struct str name, bool is_tls)
{
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, CONF_VALUE_MAX);
	for (size_t i = 0; i < d->nmechanisms; i++)
		if (str_eq_case(name, str_c(d->mechanisms[i].name)))
			return may_offer(d, &d->mechanisms[i], is_tls, &a)
			           ? &d->mechanisms[i]
			           : NULL;
	return NULL;
}

struct dovecot *
dovecot_new(struct serve *sv, const struct conf *c, const struct dict_env *env,
    struct buf *why)
{
	struct dovecot *d = calloc(1, sizeof(*d));

	if (d == NULL)
		log_fatal("out of memory for an authentication server");
	d->sv = sv;
	d->stream.io.fd = -1;
	arena_init(&d->arena, CONF_VALUE_MAX);
	LIST_INIT(&d->tries);
	task_queue_init(&d->opening);
	task_queue_init(&d->writing);
	d->endpoint = conf_auth_server(c, &d->arena);
	d->service = conf_str(c, PARAM_smtpd_sasl_service);
	d->filter = match_open(
	    env, conf_str(c, PARAM_smtpd_sasl_mechanism_filter), false, why);
	if (d->filter == NULL ||
	    !read_options(
		c, PARAM_smtpd_sasl_security_options, &d->plain, why) ||
	    !read_options(
		c, PARAM_smtpd_sasl_tls_security_options, &d->tls, why))
		dovecot_free(&d);
	return d;
}

/* ---- a try ---- */

static enum dovecot_answer
conclude(struct dovecot_try *t, enum dovecot_answer answer, const char *text)
{
	buf_reset(&t->text);
	buf_add_c(&t->text, text);
	return answer;
}

static void
leave(struct dovecot_try *t)
{
	if (t->is_open)
		LIST_REMOVE(t, next);
	t->is_open = false;
}

/* Send the line and wait for what comes of it. */
static enum dovecot_answer
ask(struct dovecot_try *t, struct str line)
{
	struct dovecot *d = t->dovecot;
	int64_t asked = clock_mono();
	int64_t deadline = asked + DOVECOT_PATIENCE;
	int r;

	t->is_answered = t->is_lost = false;
	r = dovecot_send(d, line, deadline);
	while (r == 0 && !t->is_answered && !t->is_lost)
		r = task_wait(&t->waiting, deadline);
	if (t->is_answered)
		return t->answer;
	t->is_lost |= r < 0 && r != -ETIMEDOUT && r != -ECANCELED;
	/* A server that is slow about this client may serve others; one that
	 * says nothing at all holds up everyone. */
	if (r == -ETIMEDOUT && d->heard < asked)
		dovecot_hang_up(d);
	return conclude(t, DOVECOT_RETRY, LOST);
}

static void
format_auth(
    const struct dovecot_try *t, const struct dovecot_ask *q, struct buf *out)
{
	buf_addf(out, "AUTH\t%u\t%.*s\tservice=%.*s\tnologin", (unsigned)t->id,
	    STR_ARG(t->mechanism), STR_ARG(t->dovecot->service));
	if (q->local.len > 0)
		buf_addf(out, "\tlip=%.*s\tlport=%u", STR_ARG(q->local),
		    (unsigned)q->local_port);
	buf_addf(out, "\trip=%.*s\trport=%u", STR_ARG(q->remote),
	    (unsigned)q->remote_port);
	if (q->is_tls)
		buf_add_c(out, "\tsecured");
	if (q->has_initial) { /* it must come last */
		buf_add_c(out, "\tresp=");
		buf_add_str(out, q->initial);
	}
	buf_add_char(out, '\n');
}

/* Under a number that no other has on this connection. */
static enum dovecot_answer
begin_once(struct dovecot_try *t, const struct dovecot_ask *q)
{
	BUF_CLEANUP struct buf line = {0};
	struct dovecot *d = t->dovecot;

	t->id = ++d->last_id;
	buf_init_secret(&line, DOVECOT_LINE_MAX);
	format_auth(t, q, &line);
	if (line.full)
		return conclude(t, DOVECOT_REFUSED, "Response too long");
	LIST_INSERT_HEAD(&d->tries, t, next);
	t->is_open = true;
	return ask(t, buf_str(&line));
}

enum dovecot_answer
dovecot_begin(
    struct dovecot *d, const struct dovecot_ask *q, struct dovecot_try *t)
{
	const struct dovecot_mechanism *m;
	enum dovecot_answer answer;
	int r;

	*t = (struct dovecot_try){.dovecot = d, .mechanism = STR_NONE};
	buf_init(&t->text, DOVECOT_LINE_MAX);
	buf_init(&t->user, BOUND_NAME);
	task_queue_init(&t->waiting);
	if (q->has_initial && !dovecot_is_base64(q->initial))
		return conclude(t, DOVECOT_REFUSED,
		    "Invalid base64 data in initial response");
	/* Twice: the server may have closed a connection that was idle. */
	for (int i = 0;; i++) {
		r = dovecot_open(d, clock_after(DOVECOT_PATIENCE));
		if (r < 0)
			return conclude(t, DOVECOT_RETRY, LOST);
		m = find_mechanism(d, q->mechanism, q->is_tls);
		if (m == NULL)
			return conclude(t, DOVECOT_REFUSED,
			    "Invalid authentication mechanism");
		memcpy(t->name, m->name, sizeof(t->name));
		t->mechanism = str_c(t->name);
		answer = begin_once(t, q);
		if (i == 1 || !t->is_lost)
			return answer;
		leave(t);
	}
}

enum dovecot_answer
dovecot_continue(struct dovecot_try *t, struct str response)
{
	BUF_CLEANUP struct buf line = {0};

	if (!dovecot_is_base64(response))
		return conclude(t, DOVECOT_REFUSED,
		    "Invalid base64 data in continued response");
	if (!t->is_open)
		return conclude(t, DOVECOT_RETRY, LOST);
	buf_init_secret(&line, DOVECOT_LINE_MAX);
	buf_addf(&line, "CONT\t%u\t", (unsigned)t->id);
	buf_add_str(&line, response);
	buf_add_char(&line, '\n');
	return line.full ? conclude(t, DOVECOT_REFUSED, "Response too long")
	                 : ask(t, buf_str(&line));
}

void
dovecot_end(struct dovecot_try *t)
{
	bool is_over = t->is_answered && t->answer != DOVECOT_MORE;
	char line[32];
	int n;

	if (t->is_open && !is_over) {
		n = snprintf(
		    line, sizeof(line), "CANCEL\t%u\n", (unsigned)t->id);
		(void)dovecot_send(t->dovecot, str_n(line, (size_t)n),
		    clock_after(GIVE_UP_TIME));
	}
	leave(t);
	buf_done(&t->text);
	buf_done(&t->user);
}
