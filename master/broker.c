/* SPDX-License-Identifier: ISC */
/*
 * broker - master's side of base/control.h: what a process is given at its
 * start, and the conversations that it asks for.
 *
 * A conversation with a service that is not ready yet waits here; the one who
 * asked has a deadline of his own.
 */
#include "keyring.h"
#include "master.h"

#include "base/control.h"
#include "base/file.h"
#include "mail/log_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WANTS_MAX  100 /* of a process */
#define CLIENT_MAX 4096

/* ---- what a process is given ---- */

static void
send_fd(struct child *c, enum control_kind kind, const void *value, int fd)
{
	chan_send(c->control, kind, 0, value, &fd, fd < 0 ? 0 : 1);
}

static void
send_gift(struct child *c, const char *prefix, struct str name, int fd)
{
	struct control_gift gift;
	char text[GIFT_NAME_MAX + 1];
	int n = snprintf(text, sizeof(text), "%s%.*s", prefix, STR_ARG(name));

	gift.name = str_n(text, (size_t)n < sizeof(text) ? (size_t)n : 0);
	send_fd(c, CONTROL_GIFT, &gift, fd);
}

static uint64_t
send_files(struct child *c)
{
	struct service *s = c->service;
	uint64_t sent = 0;

	if (s->program->users == USER_KEYS)
		plan_find_key_files(s);
	for (size_t i = 0; i < s->nfiles; i++) {
		int fd = tables_open(&s->files[i]);

		/* That it is not there the program says when it asks for it. */
		if (fd < 0 && fd != -ENOENT)
			log_warning("%.*s: %s", STR_ARG(s->files[i].path),
			    fd == -EINVAL ? "not a regular file"
					  : strerror(-fd));
		if (fd < 0)
			continue;
		send_gift(c, "file:", s->files[i].path, fd);
		close(fd);
		sent++;
	}
	return sent;
}

/* The certificate that keys makes where there is none. */
static uint64_t
send_own(struct child *c)
{
	int fd = c->service->program->users == USER_KEYS
	             ? keyring_open_own(c->plan)
	             : -1;

	if (fd < 0)
		return 0;
	send_gift(c, "own:", STR("certificate"), fd);
	close(fd);
	return 1;
}

static uint64_t
send_listeners(struct child *c)
{
	const struct service *s = c->service;
	static const struct {
		const char *program, *socket;
	} sockets[] = {{"pickup", "pickup"}, {"qmgr", "showq"},
	    {"qmgr", "qmgr"}, {"auth", "valija-auth"}};
	uint64_t sent = 0;
	char number[16];

	for (size_t i = 0; i < s->nlisteners; i++, sent++) {
		int n = snprintf(number, sizeof(number), "%zu", i);

		send_gift(
		    c, "listen:", str_n(number, (size_t)n), s->listeners[i]);
	}
	/* The lock is held until he who has the queue open is gone, too. */
	if (s->program->turn == TURN_QUEUE) {
		send_gift(c, "lock:", STR("queue"), c->master->queue_lock_fd);
		sent++;
	}
	if (s->program->turn == TURN_QUEUE && c->master->tool_fd >= 0) {
		send_gift(c, "", STR("tool"), c->master->tool_fd);
		return sent + 1;
	}
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		if (strcmp(sockets[i].program, s->program->name) != 0)
			continue;
		send_gift(c, "listen:", str_c(sockets[i].socket),
		    listeners_socket(sockets[i].socket));
		sent++;
	}
	return sent;
}

static int
config_fd(const struct service *s)
{
	int fd = memfd_sealed("config", s->config);

	if (fd < 0)
		log_error("the configuration of %.*s cannot be handed over: %s",
		    STR_ARG(s->name), strerror(-fd));
	return fd;
}

void
broker_send_start(struct child *c)
{
	const struct master *m = c->master;
	const struct conf *conf = c->plan->conf;
	struct control_start start = {
	    .service = c->service->name,
	    .syslog_name = c->service->syslog_name,
	    .hostname = conf_str(conf, PARAM_myhostname),
	    .log_target = m->log_target,
	    .facility = (uint64_t)log_target_facility(conf),
	    .generation = c->plan->generation,
	    .is_root_suite = m->is_root,
	    .limit = c->service->limit,
	};
	int fds[2] = {config_fd(c->service), m->log_fd};
	struct control_go go;

	if (fds[0] < 0) {
		child_kill(c);
		return;
	}
	chan_send(c->control, CONTROL_START, 0, &start, fds, 2);
	close(fds[0]);
	go.gifts = send_files(c) + send_own(c) + send_listeners(c);
	chan_send(c->control, CONTROL_GO, 0, &go, NULL, 0);
}

void
broker_send_config(struct child *c)
{
	struct control_config config = {.generation = c->plan->generation};
	int fd = config_fd(c->service);

	if (fd < 0)
		return;
	send_files(c);
	send_own(c);
	send_fd(c, CONTROL_CONFIG, &config, fd);
	c->asked++;
	close(fd);
}

void
broker_send_log(struct child *c)
{
	struct control_log log = {.log_target = c->master->log_target};

	if (c->control != NULL)
		send_fd(c, CONTROL_LOG, &log, c->master->log_fd);
}

/* ---- conversations ---- */

void
broker_refuse(struct child *c, uint32_t exchange, int error)
{
	struct control_link link = {.peer = STR_NONE, .error = (uint64_t)error};

	chan_send(c->control, CONTROL_LINK, exchange, &link, NULL, 0);
}

void
broker_give(struct child *c, uint32_t exchange, struct str peer, int fd)
{
	struct control_link link = {.peer = peer};

	chan_send(c->control, CONTROL_LINK, exchange, &link, &fd, 1);
	close(fd);
}

static int
make_ends(const struct program_row *server, int ret[2])
{
	if (!server->is_stream)
		return chan_pair(ret);
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, ret) < 0
	           ? -errno
	           : 0;
}

/* A conversation with `server` for one of that name: the other end. */
static int
link_to(struct child *server, struct str peer)
{
	int ends[2];
	int r = make_ends(server->service->program, ends);

	if (r < 0)
		return r;
	broker_give(server, 0, peer, ends[0]);
	return ends[1];
}

int
broker_link(struct child *server)
{
	return link_to(server, STR("master"));
}

static void
join(struct child *client, uint32_t exchange, struct child *server)
{
	ARENA_CLEANUP struct arena a = {0};
	int end;

	arena_init(&a, CLIENT_MAX);
	end = link_to(server, server->service->program->users == USER_KEYS
				  ? keyring_client(client->service, &a)
				  : client->service->name);
	if (end >= 0) {
		broker_give(client, exchange, server->service->name, end);
		return;
	}
	log_warning("a conversation of %s: %s", client->service->program->name,
	    strerror(-end));
	broker_refuse(client, exchange, -end);
}

static bool
is_serving(const struct service *s)
{
	return s->current != NULL && s->current->control != NULL;
}

/* Who serves now: of the new plan, or until it is up of the old one. */
struct child *
broker_server(const struct master *m, struct str name)
{
	struct service *s = plan_find(m->plan, name);

	if ((s == NULL || !is_serving(s)) && m->old_plan != NULL)
		s = plan_find(m->old_plan, name);
	return s != NULL && is_serving(s) ? s->current : NULL;
}

static size_t
count_wants(const struct child *c)
{
	const struct want *w;
	size_t n = 0;

	TAILQ_FOREACH (w, &c->master->wants, next)
		n += w->child == c;
	return n;
}

static void
keep_want(struct child *c, uint32_t exchange, struct str name)
{
	struct want *w;

	if (count_wants(c) >= WANTS_MAX || name.len >= sizeof(w->name)) {
		broker_refuse(c, exchange, EAGAIN);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		log_fatal("out of memory for a conversation");
	w->child = c;
	w->exchange = exchange;
	memcpy(w->name, name.p, name.len);
	TAILQ_INSERT_TAIL(&c->master->wants, w, next);
	keeper_wake(c->master);
}

static void
take_want(struct child *c, uint32_t exchange, struct str name)
{
	struct master *m = c->master;
	struct service *s = plan_find(m->plan, name);
	struct child *server;

	if (s == NULL) {
		broker_refuse(c, exchange, ENOENT);
		return;
	}
	if (!program_may_talk(c->service->program, s->program)) {
		log_warning("%s asks to talk to %.*s: refused",
		    c->service->program->name, STR_ARG(s->name));
		broker_refuse(c, exchange, EACCES);
		return;
	}
	server = broker_server(m, name);
	if (server != NULL)
		join(c, exchange, server);
	else if (m->is_stopping)
		broker_refuse(c, exchange, ESHUTDOWN);
	else
		keep_want(c, exchange, name);
}

static void
drop_want(struct master *m, struct want *w)
{
	TAILQ_REMOVE(&m->wants, w, next);
	free(w);
}

void
broker_serve_wants(struct master *m)
{
	struct want *w, *after;

	TAILQ_FOREACH_SAFE (w, &m->wants, next, after) {
		struct child *server = broker_server(m, str_c(w->name));

		if (server != NULL) {
			join(w->child, w->exchange, server);
			drop_want(m, w);
		} else if (plan_find(m->plan, str_c(w->name)) == NULL) {
			broker_refuse(w->child, w->exchange, ENOENT);
			drop_want(m, w);
		}
	}
}

bool
broker_is_wanted(const struct master *m, const struct service *s)
{
	const struct want *w;

	TAILQ_FOREACH (w, &m->wants, next)
		if (plan_find(m->plan, str_c(w->name)) == s)
			return true;
	return false;
}

void
broker_forget(struct child *c)
{
	struct want *w, *after;

	dial_forget(c);
	TAILQ_FOREACH_SAFE (w, &c->master->wants, next, after)
		if (w->child == c)
			drop_want(c->master, w);
}

/* ---- what a process says ---- */

static void
take_ready(struct child *c)
{
	struct service *s = c->service;

	if (c->state != CHILD_STARTING)
		return;
	c->state = CHILD_READY;
	c->deadline = CLOCK_NEVER;
	if (s->current != NULL)
		child_leave(s->current, false);
	s->current = c;
	s->coming = NULL;
	broker_serve_wants(c->master);
	task_wake_all(&c->master->ended);
	keeper_wake(c->master);
}

static void
take_status(struct child *c, struct str text)
{
	size_t n = text.len < sizeof(c->text) ? text.len : sizeof(c->text) - 1;

	memcpy(c->text, text.p, n);
	c->text[n] = '\0';
}

static void
take_parcel(struct chan *chan, struct parcel *p, void *arg)
{
	struct child *c = arg;
	const struct control_want *want = p->value;
	const struct control_connect *connect = p->value;
	const struct control_status *status = p->value;

	(void)chan;
	switch ((enum control_kind)p->kind) {
	case CONTROL_READY:
		take_ready(c);
		return;
	case CONTROL_WANT:
		take_want(c, p->exchange, want->service);
		return;
	case CONTROL_CONNECT:
		dial_start(c, p->exchange, connect->endpoint);
		return;
	case CONTROL_STATUS:
		take_status(c, status->text);
		return;
	case CONTROL_DONE:
		child_done(c);
		return;
	case CONTROL_LOG:
		target_reopen(c->master);
		return;
	case CONTROL_START:
	case CONTROL_GIFT:
	case CONTROL_GO:
	case CONTROL_LINK:
	case CONTROL_CONFIG:
	case CONTROL_DRAIN:
	case CONTROL_KINDS:
		break;
	}
	log_warning("%s[%d] says what only master says",
	    c->service->program->name, (int)c->pid);
	child_kill(c);
}

/* It ends, or has broken the rules; its end is seen by child_reap(). */
static void
lose(struct chan *chan, const char *why, void *arg)
{
	struct child *c = arg;

	(void)chan;
	broker_forget(c);
	chan_close(&c->control);
	c->deadline = clock_after(CLOCK_SEC);
	if (*why != '\0') {
		log_warning(
		    "%s[%d]: %s", c->service->program->name, (int)c->pid, why);
		child_kill(c);
	}
	keeper_wake(c->master);
}

const struct chan_events broker_events = {
    .on_parcel = take_parcel,
    .on_close = lose,
};
