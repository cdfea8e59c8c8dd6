/* SPDX-License-Identifier: ISC */
/* policy - asking a policy server: its connections, its time, its answers. */
#include "policy.h"

#include "base/file.h"
#include "base/log.h"
#include "dict/dict.h"
#include "net/endpoint.h"
#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

/* One connection. */
struct line {
	TAILQ_ENTRY(line) next;
	struct stream stream;
	int64_t opened, used;
	int64_t requests;
};
TAILQ_HEAD(lines, line);

struct policy {
	struct arena arena;
	struct str endpoint;
	struct str context;
	struct str default_action;
	int64_t timeout, retry_delay, max_idle, max_ttl;
	int64_t try_limit, request_limit;
	struct lines idle; /* the one that was used last comes first */
	size_t open;       /* idle or in use */
	struct task_queue place;
	struct task_queue tending; /* where the task that tends it sleeps */
	bool is_tended;
	bool is_freed; /* by its owner; the task that tends it leaves */
};

/* ---- settings ---- */

/* "timeout=10s" is smtpd_policy_service_timeout of this one service. */
static bool
override(struct conf **c, struct str item, struct buf *why)
{
	BUF_CLEANUP struct buf name = {0};
	struct conf *over = NULL;
	struct str key, value;
	enum param p;

	buf_init(&name, 256);
	if (str_cut(item, '=', &key, &value) &&
	    buf_addf(&name, "smtpd_policy_service_%.*s",
		STR_ARG(str_trim(key))) == 0 &&
	    param_find(buf_str(&name), &p))
		over = conf_override(*c, buf_str(&name), str_trim(value));
	if (over == NULL) {
		buf_addf(why, "\"%.*s\" is no setting of a policy service",
		    STR_ARG(item));
		return false;
	}
	conf_free(c);
	*c = over;
	return true;
}

static void
read_settings(struct policy *p, const struct conf *c)
{
	p->timeout = conf_time(c, PARAM_smtpd_policy_service_timeout);
	p->retry_delay = conf_time(c, PARAM_smtpd_policy_service_retry_delay);
	p->max_idle = conf_time(c, PARAM_smtpd_policy_service_max_idle);
	p->max_ttl = conf_time(c, PARAM_smtpd_policy_service_max_ttl);
	p->try_limit = conf_int(c, PARAM_smtpd_policy_service_try_limit);
	p->request_limit =
	    conf_int(c, PARAM_smtpd_policy_service_request_limit);
	p->context = arena_str(
	    &p->arena, conf_str(c, PARAM_smtpd_policy_service_policy_context));
	p->default_action = arena_str(
	    &p->arena, conf_str(c, PARAM_smtpd_policy_service_default_action));
}

static bool
read_spec(
    struct policy *p, const struct conf *site, struct str spec, struct buf *why)
{
	struct conf *c =
	    conf_override(site, STR("service_name"), STR("policy"));
	struct endpoint e;
	const char *wrong;
	struct str item;
	bool ok = c != NULL && dict_list_next(&spec, &item) == 0;

	if (ok && endpoint_parse(item, &e, &wrong) < 0) {
		buf_addf(why, "%.*s: %s", STR_ARG(item), wrong);
		ok = false;
	}
	if (ok)
		p->endpoint = arena_str(&p->arena, item);
	while (ok && dict_list_next(&spec, &item) == 0 && item.len > 0)
		ok = override(&c, item, why);
	if (ok)
		read_settings(p, c);
	conf_free(&c);
	return ok;
}

struct policy *
policy_new(const struct conf *c, struct str spec, struct buf *why)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		log_fatal("out of memory for a policy service");
	arena_init(&p->arena, 4 * CONF_VALUE_MAX);
	TAILQ_INIT(&p->idle);
	task_queue_init(&p->place);
	task_queue_init(&p->tending);
	if (!read_spec(p, c, spec, why))
		policy_free(&p);
	return p;
}

struct str
policy_context(const struct policy *p)
{
	return p->context;
}

/* ---- connections ---- */

static void
close_line(struct policy *p, struct line *l)
{
	stream_done(&l->stream);
	free(l);
	p->open--;
	task_wake_one(&p->place);
}

static void
close_idle(struct policy *p, int64_t used_before)
{
	struct line *l;

	while ((l = TAILQ_LAST(&p->idle, lines)) != NULL &&
	       l->used <= used_before) {
		TAILQ_REMOVE(&p->idle, l, next);
		close_line(p, l);
	}
}

static void
free_policy(struct policy *p)
{
	arena_done(&p->arena);
	free(p);
}

void
policy_free(struct policy **pp)
{
	struct policy *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	close_idle(p, INT64_MAX);
	p->is_freed = true;
	if (p->is_tended)
		task_wake_all(&p->tending);
	else
		free_policy(p);
}

/* A task while there are idle connections: their time ends. */
static void
tend(void *arg)
{
	struct policy *p = arg;
	struct line *l;

	while ((l = TAILQ_LAST(&p->idle, lines)) != NULL &&
	       task_wait(&p->tending, l->used + p->max_idle) != -ECANCELED)
		close_idle(p, clock_mono() - p->max_idle);
	p->is_tended = false;
	if (p->is_freed)
		free_policy(p);
}

static void
put_line(struct policy *p, struct line *l)
{
	l->used = clock_mono();
	if ((p->request_limit > 0 && l->requests >= p->request_limit) ||
	    l->used - l->opened >= p->max_ttl || stream_has_input(&l->stream)) {
		close_line(p, l);
		return;
	}
	TAILQ_INSERT_HEAD(&p->idle, l, next);
	if (!p->is_tended) {
		p->is_tended = true;
		task_start(tend, p);
	}
	task_wake_one(&p->place);
}

static int
open_line(
    struct policy *p, struct serve *sv, int64_t deadline, struct line **ret)
{
	struct line *l = calloc(1, sizeof(*l));
	int fd, r;

	if (l == NULL)
		log_fatal("out of memory for a connection");
	p->open++;
	fd = serve_connect(sv, p->endpoint, deadline);
	r = fd < 0 ? fd : stream_init(&l->stream, fd);
	if (r < 0) {
		fd_close(&fd);
		free(l);
		p->open--;
		task_wake_one(&p->place);
		return r;
	}
	l->opened = clock_mono();
	*ret = l;
	return 0;
}

/* One that is idle, or a new one when there is place for it. */
static int
get_line(
    struct policy *p, struct serve *sv, int64_t deadline, struct line **ret)
{
	struct line *l;

	for (;;) {
		l = TAILQ_FIRST(&p->idle);
		if (l != NULL) {
			TAILQ_REMOVE(&p->idle, l, next);
			*ret = l;
			return 0;
		}
		if (p->open < POLICY_OPEN_MAX)
			return open_line(p, sv, deadline, ret);
		if (task_wait(&p->place, deadline) < 0)
			return -EAGAIN;
	}
}

/* ---- asking ---- */

int
policy_reply_line(struct policy_reply *r, struct str line, struct arena *a)
{
	struct str name, value;

	if (line.len == 0)
		return r->has_action ? 1 : -EBADMSG;
	if (++r->lines > POLICY_LINES_MAX || !str_cut(line, '=', &name, &value))
		return -EBADMSG;
	if (str_eq(str_trim(name), STR("action")) && !r->has_action) {
		r->action = arena_str(a, str_trim(value));
		r->has_action = true;
	}
	return 0;
}

static int
converse(struct policy *p, struct line *l, struct str request, struct arena *a,
    struct str *ret_action)
{
	struct policy_reply reply = {.action = STR_NONE};
	struct str line;
	bool crlf;
	int r;

	stream_deadline(&l->stream, clock_after(p->timeout));
	r = stream_write(&l->stream, request);
	while (r == 0) {
		r = stream_read_line(&l->stream, STREAM_LINE_MAX, &line, &crlf);
		if (r == 0)
			r = policy_reply_line(&reply, line, a);
	}
	l->requests++;
	*ret_action = reply.action;
	return r == 1 ? 0 : r;
}

/* *ret_stale: the server may have closed it since it was used. */
static int
ask_once(struct policy *p, struct serve *sv, struct str request,
    struct arena *a, struct str *ret_action, bool *ret_stale)
{
	struct line *l = NULL;
	int r = get_line(p, sv, clock_after(p->timeout), &l);

	*ret_stale = false;
	if (r < 0)
		return r;
	*ret_stale = l->requests > 0;
	r = converse(p, l, request, a, ret_action);
	if (r < 0)
		close_line(p, l);
	else
		put_line(p, l);
	*ret_stale = *ret_stale && r == -ECONNRESET;
	return r;
}

struct str
policy_ask(
    struct policy *p, struct serve *sv, struct str request, struct arena *a)
{
	struct str action = STR_NONE;
	bool is_stale;
	int r;

	for (int64_t tries = 0; tries < p->try_limit; tries += !is_stale) {
		r = ask_once(p, sv, request, a, &action, &is_stale);
		if (r == 0)
			return action;
		if (is_stale)
			continue;
		log_warning("problem talking to server %.*s: %s",
		    STR_ARG(p->endpoint), strerrordesc_np(-r));
		if (tries + 1 < p->try_limit &&
		    task_sleep(clock_after(p->retry_delay)) < 0)
			break;
	}
	return p->default_action;
}
