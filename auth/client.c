/* SPDX-License-Identifier: ISC */
/*
 * client - the conversation: a task reads lines, a task writes what has
 * gathered, and each check is a task of its own, which a conversation that
 * ends leaves behind.
 */
#include "client.h"

#include "line.h"
#include "request.h"

#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_MAX     (1024 * 1024)
#define COOKIE_SIZE 16
#define WRITE_TIME  (60 * CLOCK_SEC)

struct client {
	TAILQ_ENTRY(client) next;
	struct desk *desk;
	struct io io;
	struct task *reader; /* NULL: has ended */
	bool is_retired;
	struct buf in, out;
	struct task_queue wake; /* of the writer */
	struct map by_id;
	TAILQ_HEAD(requests, request) requests; /* the oldest first */
};

void
desk_init(struct desk *d)
{
	*d = (struct desk){.users = NULL};
	turns_init(&d->turns, 0);
	TAILQ_INIT(&d->clients);
	task_queue_init(&d->ended);
}

/* ---- what we say ---- */

/* Who does not read what we say is not waited for. */
void
client_say(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&c->out, fmt, ap);
	va_end(ap);
	if (c->out.full && c->reader != NULL)
		task_cancel(c->reader);
	task_wake_all(&c->wake);
}

static void
say_hello(struct client *c)
{
	unsigned char cookie[COOKIE_SIZE];
	const struct mechanism *m;

	client_say(c, "VERSION\t1\t2\n");
	for (size_t i = 0; (m = mechanism_at(i)) != NULL; i++)
		if (c->desk->offers[i])
			client_say(c, "MECH\t%s\t%s\n", m->name, m->flags);
	client_say(c, "SPID\t%d\nCUID\t%u\nCOOKIE\t", (int)getpid(),
	    ++c->desk->last_id);
	arc4random_buf(cookie, sizeof(cookie));
	for (size_t i = 0; i < sizeof(cookie); i++)
		client_say(c, "%02x", cookie[i]);
	client_say(c, "\nDONE\n");
}

/* ---- requests ---- */

static struct str
key_of(const struct request *q)
{
	return str_n((const char *)&q->id, sizeof(q->id));
}

static void
retire_if_idle(struct client *c)
{
	if (c->is_retired && c->reader != NULL && TAILQ_EMPTY(&c->requests))
		task_cancel(c->reader);
}

void
client_forget(struct client *c, struct request *q)
{
	map_del(&c->by_id, key_of(q));
	TAILQ_REMOVE(&c->requests, q, next);
	retire_if_idle(c);
}

/* ---- lines ---- */

static const struct mechanism *
find_offered(const struct desk *d, struct str name)
{
	const struct mechanism *m = mechanism_find(name);

	for (size_t i = 0; m != NULL && i < MECHANISMS; i++)
		if (mechanism_at(i) == m && d->offers[i])
			return m;
	return NULL;
}

static void
forget_old(struct client *c)
{
	struct request *q = TAILQ_FIRST(&c->requests);

	if (q != NULL && q->since < clock_mono() - CLIENT_TIME)
		request_end(q);
}

static bool
take_auth(struct client *c, const struct line *l)
{
	const struct mechanism *m = find_offered(c->desk, l->mechanism);
	struct request *q, like = {.id = l->id};

	forget_old(c);
	if (map_get(&c->by_id, key_of(&like)) != NULL)
		return false;
	if (m == NULL || c->by_id.count >= CLIENT_REQUESTS_MAX) {
		request_refuse(c, l->id, STR_NONE, m != NULL);
		return true;
	}
	q = request_new(c->desk, c, m, l);
	TAILQ_INSERT_TAIL(&c->requests, q, next);
	map_put(&c->by_id, key_of(q), q);
	request_step(q, l);
	return true;
}

static bool
take_answer(struct client *c, const struct line *l)
{
	const struct request like = {.id = l->id};
	struct request *q = map_get(&c->by_id, key_of(&like));

	/* One that we forgot, or ended, while its answer was on the way. */
	if (q == NULL) {
		request_refuse(c, l->id, STR_NONE, true);
		return true;
	}
	return request_answer(q, l);
}

static void
take_cancel(struct client *c, const struct line *l)
{
	const struct request like = {.id = l->id};
	struct request *q = map_get(&c->by_id, key_of(&like));

	if (q != NULL)
		request_end(q);
}

static bool
take_line(struct client *c, struct str text)
{
	struct line l;

	if (line_parse(text, &l) < 0)
		return false;
	switch (l.kind) {
	case LINE_VERSION:
		return l.major == 1;
	case LINE_AUTH:
		return take_auth(c, &l);
	case LINE_CONT:
		return take_answer(c, &l);
	case LINE_CANCEL:
		take_cancel(c, &l);
		return true;
	case LINE_CPID:
	case LINE_OTHER:
		break;
	}
	return true;
}

/* ---- tasks ---- */

/* SECURITY: what was consumed held passwords. */
static void
drop_wiped(struct buf *b, size_t n)
{
	size_t len = b->len;

	buf_drop(b, n);
	explicit_bzero(b->p + b->len, len - b->len);
}

static bool
take_lines(struct client *c)
{
	struct str rest = buf_str(&c->in), line;
	bool is_right = true;

	while (is_right && str_find(rest, '\n') >= 0) {
		str_line(&rest, &line);
		is_right = take_line(c, line);
	}
	if (c->in.len > rest.len)
		drop_wiped(&c->in, c->in.len - rest.len);
	return is_right && c->in.len <= LINE_MAX_BYTES;
}

static void
end_all(struct client *c)
{
	struct request *q;

	while ((q = TAILQ_FIRST(&c->requests)) != NULL)
		request_end(q);
}

static void
read_lines(void *arg)
{
	struct client *c = arg;
	ssize_t n;

	do {
		size_t room = c->in.max - c->in.len;

		n = io_read(&c->io, buf_room(&c->in, room), room, CLOCK_NEVER);
		if (n > 0)
			buf_grew(&c->in, (size_t)n);
		if (n > 0 && !take_lines(c)) {
			log_warning("a client breaks the protocol");
			n = -EPROTO;
		}
	} while (n > 0);
	c->reader = NULL;
	end_all(c);
	task_wake_all(&c->wake);
}

static void
finish(struct client *c)
{
	struct desk *d = c->desk;

	TAILQ_REMOVE(&d->clients, c, next);
	d->nclients--;
	io_done(&c->io);
	buf_done(&c->in);
	buf_done(&c->out);
	map_done(&c->by_id);
	free(c);
	task_wake_all(&d->ended);
}

/* What was said last goes out as well. */
static void
write_all(void *arg)
{
	struct client *c = arg;
	int r = 0;

	while (r == 0 && (c->out.len > 0 || c->reader != NULL)) {
		BUF_CLEANUP struct buf now = c->out;

		buf_init(&c->out, OUT_MAX);
		if (now.len == 0)
			r = task_wait(&c->wake, CLOCK_NEVER);
		else
			r = io_write_all(
			    &c->io, now.p, now.len, clock_after(WRITE_TIME));
	}
	while (c->reader != NULL) {
		task_cancel(c->reader);
		task_wait(&c->wake, CLOCK_NEVER);
	}
	finish(c);
}

void
client_start(struct desk *d, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		log_fatal("out of memory for a client");
	r = d->nclients >= CLIENTS_MAX ? -EBUSY : io_init(&c->io, fd);
	if (r < 0) {
		log_warning("a client is turned away: %s", strerror(-r));
		close(fd);
		free(c);
		return;
	}
	c->desk = d;
	buf_init_secret(&c->in, LINE_MAX_BYTES + 2);
	buf_init(&c->out, OUT_MAX);
	task_queue_init(&c->wake);
	map_init(&c->by_id);
	TAILQ_INIT(&c->requests);
	TAILQ_INSERT_TAIL(&d->clients, c, next);
	d->nclients++;
	c->reader = task_start(read_lines, c);
	say_hello(c);
	task_start(write_all, c);
}

void
clients_retire(struct desk *d)
{
	struct client *c;

	TAILQ_FOREACH (c, &d->clients, next) {
		c->is_retired = true;
		retire_if_idle(c);
	}
}
