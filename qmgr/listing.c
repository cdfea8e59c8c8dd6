/* SPDX-License-Identifier: ISC */
/*
 * listing - the copy counts in q->copies until it has ended: it holds one end
 * of a pipe that nothing is written to, and that end goes when it does.
 */
#include "listing.h"

#include "qmgr.h"

#include "base/file.h"
#include "base/log.h"
#include "mail/addr.h"
#include "mail/proto/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK     (64 * 1024)
#define PIPE_SIZE (1024 * 1024) /* or what the kernel grants of it */
#define LOOK_MS   1000          /* how soon it sees that qmgr has gone */
#define TICK      (20 * CLOCK_MS)
#define TURN_TIME (3 * CLOCK_SEC)

struct copy {
	struct quota_use use;
	pid_t pid;
	struct io life; /* ends when the copy does */
};

/* What the copy is to say of each message; its bytes go out in blocks. */
struct saying {
	struct qmgr *qmgr;
	void (*each)(struct saying *s, const struct message *m,
	    const struct store_body *b);
	bool only_names; /* `each` needs no body */
	struct str site;
	int fd;
	pid_t parent;
	struct buf out;
	struct arena arena;
};

/* ---- in the copy ---- */

static int
wait_for_room(const struct saying *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	while (poll(&p, 1, LOOK_MS) <= 0)
		if (getppid() != s->parent)
			return -EPIPE;
	return 0;
}

static int
send_out(struct saying *s)
{
	size_t sent = 0;

	if (getppid() != s->parent)
		return -EPIPE;
	while (sent < s->out.len) {
		ssize_t n = write(s->fd, s->out.p + sent, s->out.len - sent);
		int r = n < 0 ? -errno : 0;

		if (n > 0)
			sent += (size_t)n;
		if (r == -EAGAIN)
			r = wait_for_room(s);
		if (r < 0 && r != -EINTR)
			return r;
	}
	buf_reset(&s->out);
	return 0;
}

/* All that is left is to be returned to the sender. */
static bool
is_expired(const struct message *m, const struct progress *p)
{
	if (m->active != NULL || p->left == 0)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!p->marks[i].done &&
		    (p->marks[i].last == NULL ||
			p->marks[i].last->state != OUTCOME_BOUNCED))
			return false;
	return true;
}

static struct rows
make_recipients(const struct store_body *b, struct arena *a)
{
	const struct recipient *in = b->envelope.recipients.p;
	const struct progress *p = &b->progress;
	struct admin_recipient *out = arena_array(a, p->n, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->marks[i].done)
			continue;
		out[n].address = in[i].address;
		if (p->marks[i].last != NULL)
			out[n].reason = p->marks[i].last->text;
		n++;
	}
	return (struct rows){out, n};
}

static void
add_entry(struct saying *s, const struct admin_entry *e)
{
	size_t start = s->out.len;
	uint32_t size = 0;

	buf_add(&s->out, &size, sizeof(size));
	if (shape_encode(&admin_entry_shape, e, &s->out) < 0) {
		buf_cut(&s->out, start); /* it cannot be shown */
		return;
	}
	size = (uint32_t)(s->out.len - start - sizeof(size));
	memcpy(s->out.p + start, &size, sizeof(size));
}

static void
say_name(struct saying *s, const struct message *m, const struct store_body *b)
{
	struct admin_entry e = {
	    .queue = str_c(admin_queue_name(message_queue(m))),
	    .id = message_id(m),
	};

	(void)b;
	add_entry(s, &e);
}

static void
say_entry(struct saying *s, const struct message *m, const struct store_body *b)
{
	struct admin_entry e = {
	    .queue = str_c(admin_queue_name(message_queue(m))),
	    .id = b->envelope.id,
	    .arrival = b->envelope.arrival,
	    .size = b->envelope.size,
	    .forced_expire = is_expired(m, &b->progress),
	    .sender = b->envelope.sender,
	    .recipients = make_recipients(b, &s->arena),
	};

	add_entry(s, &e);
}

/* "[host]" is found by its name as well. */
static bool
is_for(struct str domain, struct str site)
{
	return str_eq_case(domain, site) ||
	       (site.len > 2 && site.p[0] == '[' &&
		   str_eq_case(domain, str_sub(site, 1, site.len - 2)));
}

static void
say_if_for_site(
    struct saying *s, const struct message *m, const struct store_body *b)
{
	const struct recipient *r = b->envelope.recipients.p;

	if (m->state != MESSAGE_WAITING)
		return;
	for (size_t i = 0; i < b->progress.n; i++) {
		struct addr a;

		if (b->progress.marks[i].done ||
		    addr_parse(r[i].address, &a) < 0 ||
		    !is_for(a.domain, s->site))
			continue;
		buf_add_str(&s->out, message_id(m));
		buf_add_char(&s->out, '\n');
		return;
	}
}

/* `b` is NULL where only names are wanted. */
static int
say_one(struct saying *s, const struct message *m, const struct store_body *b)
{
	arena_reset(&s->arena);
	s->each(s, m, b);
	return s->out.len >= BLOCK ? send_out(s) : 0;
}

/* Its file tells all of it. */
static bool
is_in_file(const struct message *m)
{
	return store_has_name(&m->item) && m->active == NULL;
}

static int
say_other(struct qmgr *q, struct saying *s, struct message *m)
{
	struct store_body *b = NULL;
	const char *why;
	int r = 0;

	if (m->state == MESSAGE_TAKEN || is_in_file(m) ||
	    (m->active != NULL && m->active->is_deleted))
		return 0;
	if (s->only_names)
		r = say_one(s, m, NULL);
	else if (m->active != NULL)
		r = say_one(s, m, m->active->body);
	else if (store_load(q->store, &m->item, &b, &why) == 0)
		r = say_one(s, m, b);
	store_body_free(&b);
	return r;
}

static struct store_item *
find_in_file(void *arg, struct str id)
{
	struct saying *s = arg;
	struct message *m = message_find(s->qmgr, id);

	return m != NULL && is_in_file(m) ? &m->item : NULL;
}

static int
say_file(void *arg, struct store_item *item, const struct store_body *b)
{
	return say_one(arg, message_of(item), b);
}

static void
say_all(struct qmgr *q, struct saying *s)
{
	const uint32_t end = 0;
	struct store_walk walk = {
	    .wanted = find_in_file,
	    .each = say_file,
	    .arg = s,
	    .wants_body = !s->only_names,
	};

	s->qmgr = q;
	buf_init(&s->out, BLOCK + ADMIN_ENTRY_MAX);
	arena_init(&s->arena, SIZE_MAX / 2); /* envelopes have their bounds */
	MAP_FOREACH (slot, &q->messages)
		if (say_other(q, s, slot->value) < 0)
			return;
	if (store_walk(q->store, &walk) < 0)
		return;
	if (s->each != say_if_for_site)
		buf_add(&s->out, &end, sizeof(end));
	send_out(s);
}

/* ---- in qmgr ---- */

static void
see_to_its_end(void *arg)
{
	struct copy *c = arg;

	io_wait_read(&c->life, clock_after(LISTING_TIME));
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	io_done(&c->life);
	quota_give(&c->use);
	free(c);
}

static pid_t
fork_copy(struct qmgr *q, struct saying *s, int tools_end)
{
	pid_t parent = getpid(), pid;

	log_flush();
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	/* Nothing of the parent's may be answered or ended here. */
	s->parent = parent;
	close(tools_end); /* with the tool the pipe's last reader goes */
	say_all(q, s);
	_exit(0);
}

static void
close_both(int fds[2])
{
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

/* The copy, with a pipe's end to write into and one that lives as long. */
static int
start(struct qmgr *q, struct copy *c, struct saying *s, int *ret_fd)
{
	int out[2] = {-1, -1}, life[2] = {-1, -1};
	int r = 0;

	if (pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(life, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0)
		r = fd_nonblock(out[1]);
	if (r == 0)
		r = io_init(&c->life, life[0]);
	if (r < 0) {
		close_both(out);
		close_both(life);
		return r;
	}
	fcntl(out[1], F_SETPIPE_SZ, PIPE_SIZE);
	s->fd = out[1];
	c->pid = fork_copy(q, s, out[0]);
	fd_close(&out[1]);
	fd_close(&life[1]);
	if (c->pid < 0) {
		fd_close(&out[0]);
		io_done(&c->life);
		return (int)c->pid;
	}
	task_start(see_to_its_end, c);
	*ret_fd = out[0];
	return 0;
}

/* As many as may be are there: those that have said all may be ending yet,
 * while the next tool asks. */
static int
wait_turn(struct qmgr *q, struct quota_use *use, uid_t user)
{
	int64_t deadline = clock_after(TURN_TIME);

	while (!quota_take(&q->copies, use, user, true)) {
		if (clock_mono() >= deadline)
			return -EBUSY;
		if (task_sleep(clock_after(TICK)) < 0)
			return -ECANCELED;
	}
	return 0;
}

/* Soon after the start not all names are known yet. */
static int
begin(struct qmgr *q, uid_t user, struct saying *s, int *ret_fd)
{
	struct copy *c;
	int r;

	while (!q->is_scanned)
		if (task_sleep(clock_after(TICK)) < 0)
			return -ECANCELED;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		log_fatal("out of memory for a listing");
	r = wait_turn(q, &c->use, user);
	if (r == 0) {
		r = start(q, c, s, ret_fd);
		if (r < 0)
			quota_give(&c->use);
	}
	if (r < 0)
		free(c);
	return r;
}

int
listing_start(struct qmgr *q, uid_t user, bool only_names, int *ret_fd)
{
	struct saying s = {
	    .each = only_names ? say_name : say_entry,
	    .only_names = only_names,
	};

	return begin(q, user, &s, ret_fd);
}

static int
read_lines(struct io *io, void (*each)(void *arg, struct str id), void *arg)
{
	BUF_CLEANUP struct buf in = {0};
	struct str line, rest;
	ssize_t n;

	buf_init(&in, 2 * BLOCK);
	for (;;) {
		char *room = buf_room(&in, BLOCK);

		if (room == NULL)
			return -EPROTO;
		n = io_read(io, room, BLOCK, clock_after(LISTING_TIME));
		if (n <= 0)
			return (int)n;
		buf_grew(&in, (size_t)n);
		rest = buf_str(&in);
		while (str_cut(rest, '\n', &line, &rest))
			each(arg, line);
		buf_drop(&in, in.len - rest.len);
	}
}

int
listing_find(struct qmgr *q, uid_t user, struct str site,
    void (*each)(void *arg, struct str id), void *arg)
{
	struct saying s = {.each = say_if_for_site, .site = site};
	struct io io;
	int fd, r = begin(q, user, &s, &fd);

	if (r < 0)
		return r;
	r = fd_nonblock(fd);
	if (r == 0)
		r = io_init(&io, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = read_lines(&io, each, arg);
	io_done(&io);
	return r;
}
