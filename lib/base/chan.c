/* SPDX-License-Identifier: ISC */
/*
 * chan - a conversation over a SOCK_SEQPACKET socket.
 *
 * Owns the socket, the outbox, and the calls that wait for an answer.  A reader
 * task lives as long as the conversation; a writer task only while the socket
 * is full.  Counted references keep the chan alive while a task is inside: the
 * owner, the reader, the writer and each call hold one.
 *
 * A failed send does not end the conversation where it happens, in the
 * middle of the caller's work: it shuts the socket, and the reader, who sees
 * the end, tells the owner.
 */
#include "base/chan.h"

#include "base/inbox.h"
#include "base/log.h"
#include "base/outbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_ROOM (1024 * 1024)
#define LINGER      (30 * CLOCK_SEC)
#define RETRY_AFTER (10 * CLOCK_MS)

struct call {
	TAILQ_ENTRY(call) next;
	uint32_t exchange;
	struct parcel *answer;
	bool is_done;
	int error;
	struct task_queue done;
};

struct chan {
	struct io io;
	const struct protocol *proto;
	const struct chan_events *events;
	void *arg;
	unsigned refs;
	bool is_open;    /* for the owner: not ended, not closed */
	bool is_owned;   /* chan_close was not called */
	bool has_met;    /* the peer's hello came */
	bool is_dirty;   /* in the list of those to flush */
	bool is_writing; /* a writer task waits for room */
	bool is_mute;    /* nothing more goes out */
	bool is_shut;    /* ... and nothing more is taken in */
	const char *why;
	struct outbox outbox;
	TAILQ_HEAD(, call) calls;
	uint32_t last_exchange;
	struct joiner joiner;
	struct task_queue ended;
	TAILQ_ENTRY(chan) dirty;
};

struct hello {
	struct str name;
	uint64_t version;
};
static const struct field hello_fields[] = {
    SHAPE_LINE(struct hello, name, 64),
    SHAPE_U64(struct hello, version, UINT32_MAX),
};
static const struct shape hello_shape =
    SHAPE("hello", struct hello, hello_fields);

static void flush_dirty(void *arg);

static TAILQ_HEAD(, chan) dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct loop_call flush_call = {.fn = flush_dirty};

/* The sending side. */

/* The peer is gone: what he said before he left is still read. */
static void
mute(struct chan *c)
{
	c->is_mute = true;
	outbox_drop(&c->outbox);
}

/* The end: the reader finds it and tells the owner. */
static void
shut(struct chan *c, const char *why)
{
	if (c->is_shut)
		return;
	mute(c);
	c->is_shut = true;
	c->why = why;
	shutdown(c->io.fd, SHUT_RDWR);
}

static void
give_up_sending(struct chan *c, int error)
{
	if (error == -EPIPE || error == -ECONNRESET)
		mute(c);
	else
		shut(c, strerror(-error));
}

static void release(struct chan *c);

static bool
is_passing(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM ||
	       error == -ETOOMANYREFS;
}

/* Wait until sending may go on: 0, -ETIMEDOUT, -ECANCELED. */
static int
wait_for_room(struct chan *c, int error)
{
	if (error != -EAGAIN)
		return task_sleep(clock_after(RETRY_AFTER));
	c->io.writable = false;
	return io_wait_write(&c->io, clock_after(LINGER));
}

static void
write_rest(void *arg)
{
	struct chan *c = arg;
	int error = -EAGAIN, r;

	while (is_passing(error) && !c->is_mute) {
		r = wait_for_room(c, error);
		if (r == -ECANCELED || (r == -ETIMEDOUT && !c->is_owned))
			break;
		if (r == 0 && !c->is_mute)
			error = outbox_send(&c->outbox, c->io.fd);
	}
	c->is_writing = false;
	if (error < 0 && !c->is_mute)
		give_up_sending(c, error);
	if (!c->is_owned)
		shutdown(c->io.fd, SHUT_RDWR);
	release(c);
}

static void
flush(struct chan *c)
{
	int r;

	if (c->is_writing || c->is_mute)
		return;
	r = outbox_send(&c->outbox, c->io.fd);
	if (r == 0)
		return;
	if (!is_passing(r)) {
		give_up_sending(c, r);
		return;
	}
	c->is_writing = true;
	c->refs++;
	task_start(write_rest, c);
}

static void
clean(struct chan *c)
{
	if (c->is_dirty)
		TAILQ_REMOVE(&dirty, c, dirty);
	c->is_dirty = false;
}

static void
flush_dirty(void *arg)
{
	struct chan *c;

	(void)arg;
	while ((c = TAILQ_FIRST(&dirty)) != NULL) {
		clean(c);
		flush(c);
	}
}

/* What a parent had on its way is not its child's to send. */
static void
forget_dirty(void)
{
	TAILQ_INIT(&dirty);
	flush_call.is_due = false;
}

static int
queue_parcel(struct chan *c, const struct packet_header *h, struct str bytes,
    const int *fds, size_t nfds)
{
	int r;

	if (c->outbox.bytes + bytes.len > CHAN_QUEUE_MAX) {
		shut(c, "the peer does not read");
		return -EPIPE;
	}
	outbox_add(&c->outbox, h, bytes, fds, nfds);
	if (nfds == 0 && c->outbox.packets < OUTBOX_BATCH) {
		if (!c->is_dirty)
			TAILQ_INSERT_TAIL(&dirty, c, dirty);
		c->is_dirty = true;
		loop_at_turn_end(&flush_call);
		return 0;
	}
	flush(c);
	r = nfds == 0 ? 0 : outbox_own(&c->outbox);
	if (r < 0)
		shut(c, strerror(-r));
	return r;
}

static int
send_value(struct chan *c, struct packet_header *h, const struct shape *shape,
    const void *value, const int *fds, size_t nfds)
{
	static struct buf bytes;
	int r;

	if (!c->is_open || c->is_mute)
		return -EPIPE;
	if (nfds > CHAN_PARCEL_FDS)
		return -EMSGSIZE;
	/* One buffer serves all sends of the process: nothing waits here. */
	if (bytes.max == 0)
		buf_init(&bytes, CHAN_PARCEL_MAX);
	buf_reset(&bytes);
	r = shape_encode(shape, value, &bytes);
	if (r == 0)
		r = queue_parcel(c, h, buf_str(&bytes), fds, nfds);
	if (bytes.cap > CHAN_PACKET)
		buf_done(&bytes);
	return r;
}

int
chan_send(struct chan *c, unsigned kind, uint32_t exchange, const void *value,
    const int *fds, size_t nfds)
{
	struct packet_header h = {.kind = (uint8_t)kind, .exchange = exchange};

	assert(kind < c->proto->nshapes);
	return send_value(c, &h, c->proto->shapes[kind], value, fds, nfds);
}

/* Calls. */

static void
end_call(struct chan *c, struct call *call, int error)
{
	TAILQ_REMOVE(&c->calls, call, next);
	call->is_done = true;
	call->error = error;
	task_wake_all(&call->done);
}

static void
end_all_calls(struct chan *c)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&c->calls)) != NULL)
		end_call(c, call, -EPIPE);
}

static int
wait_for_answer(struct chan *c, struct call *call, int64_t deadline)
{
	while (!call->is_done) {
		int r = task_wait(&call->done, deadline);

		if (r < 0 && !call->is_done)
			end_call(c, call, r);
	}
	return call->error;
}

int
chan_call(struct chan *c, unsigned kind, const void *value, const int *fds,
    size_t nfds, struct parcel *ret_answer, int64_t deadline)
{
	struct packet_header h = {.kind = (uint8_t)kind, .flags = PACKET_ASKS};
	struct call call = {.answer = ret_answer};
	int r;

	assert(kind < c->proto->nshapes);
	assert(task_self() != NULL);
	c->last_exchange = (c->last_exchange + 1) | CHAN_EXCHANGE_OWN;
	call.exchange = h.exchange = c->last_exchange;
	r = send_value(c, &h, c->proto->shapes[kind], value, fds, nfds);
	if (r < 0)
		return r;
	task_queue_init(&call.done);
	TAILQ_INSERT_TAIL(&c->calls, &call, next);
	c->refs++;
	r = wait_for_answer(c, &call, deadline);
	release(c);
	return r;
}

/* Answers come about in the order of the calls: the first fits most often. */
static struct call *
find_call(struct chan *c, uint32_t exchange)
{
	struct call *call;

	TAILQ_FOREACH (call, &c->calls, next)
		if (call->exchange == exchange)
			return call;
	return NULL;
}

/* The receiving side. */

static const char *
meet(struct chan *c, struct parcel *p)
{
	const struct hello *h = p->value;

	if (!str_eq(h->name, str_c(c->proto->name)))
		return "the peer speaks another protocol";
	if (h->version != c->proto->version)
		return "the peer speaks another version of the protocol";
	c->has_met = true;
	return NULL;
}

static const char *
hand_over(struct chan *c, struct parcel *p, bool asks)
{
	struct call *call;

	if (asks || (p->exchange & CHAN_EXCHANGE_OWN) == 0) {
		if (c->events == NULL || c->events->on_parcel == NULL)
			return "a parcel that nobody asked for";
		c->events->on_parcel(c, p, c->arg);
		return NULL;
	}
	call = find_call(c, p->exchange);
	if (call == NULL)
		return NULL; /* too late */
	parcel_take(p, call->answer);
	end_call(c, call, 0);
	return NULL;
}

static const struct shape *
shape_of(const struct chan *c)
{
	unsigned kind = c->joiner.header.kind;

	if (!c->has_met)
		return kind == PACKET_HELLO ? &hello_shape : NULL;
	return kind < c->proto->nshapes ? c->proto->shapes[kind] : NULL;
}

/* One packet: NULL, or why the conversation cannot go on. */
static const char *
take_packet(struct chan *c, struct str bytes, const int *fds, size_t nfds)
{
	bool has_met = c->has_met;
	const struct shape *shape;
	const char *why = NULL;
	struct parcel p;
	bool asks;
	int r = joiner_add(&c->joiner, bytes, fds, nfds, &why);

	if (r <= 0)
		return why;
	shape = shape_of(c);
	if (shape == NULL)
		return has_met ? "a parcel of unknown kind" : "no hello";
	asks = (c->joiner.header.flags & PACKET_ASKS) != 0;
	if (joiner_take(&c->joiner, shape, &p, &why) < 0)
		return why;
	why = has_met ? hand_over(c, &p, asks) : meet(c, &p);
	parcel_done(&p);
	return why;
}

static void
take_message(struct chan *c, size_t i)
{
	const char *why;
	struct inbox_packet p;

	inbox_take(i, &p);
	why = p.fault;
	if (why != NULL || c->is_shut || !c->is_open) {
		for (size_t f = 0; f < p.nfds; f++)
			close(p.fds[f]);
	} else {
		why = take_packet(c, p.bytes, p.fds, p.nfds);
	}
	if (why != NULL)
		shut(c, why);
}

/* Take what is there.  0: wait for more; 1: a full batch; < 0: the end. */
static int
read_some(struct chan *c)
{
	int n = inbox_receive(c->io.fd);

	/* A peer that left with our parcels unread: told once, in front of
	 * what he sent before, which still counts. */
	if (n == -ECONNRESET)
		return 1;
	if (n == -EAGAIN)
		n = 0;
	if (n < 0)
		shut(c, strerror(-n));
	/* All of them, also behind the end: they may hold descriptors. */
	for (int i = 0; i < n; i++)
		take_message(c, (size_t)i);
	if (c->is_shut)
		return -EPIPE;
	return n == INBOX_BATCH;
}

static void
finish(struct chan *c)
{
	shut(c, "");
	if (c->joiner.is_open && *c->why == '\0')
		c->why = "the peer left in the middle of a parcel";
	joiner_done(&c->joiner);
	clean(c);
	if (c->is_open && c->is_owned) {
		c->is_open = false;
		end_all_calls(c);
		if (c->events != NULL && c->events->on_close != NULL)
			c->events->on_close(c, c->why, c->arg);
		task_wake_all(&c->ended);
	}
}

static void
read_all(void *arg)
{
	struct chan *c = arg;
	int r = 0;

	while (r >= 0 && c->is_open) {
		if (r == 1)
			task_yield();
		if (r == 0)
			r = io_wait_read(&c->io, CLOCK_NEVER);
		if (r < 0)
			break;
		r = read_some(c);
		/* Fewer than a batch: the kernel found no more, so the next
		 * packet makes the descriptor ready anew. */
		if (r == 0)
			c->io.readable = false;
	}
	if (c->is_owned)
		finish(c);
	release(c);
}

/* Life. */

static void
say_hello(struct chan *c)
{
	struct packet_header h = {.kind = PACKET_HELLO};
	struct hello hello = {str_c(c->proto->name), c->proto->version};
	int r = send_value(c, &h, &hello_shape, &hello, NULL, 0);

	assert(r == 0);
}

struct chan *
chan_new(int fd, const struct protocol *proto, const struct chan_events *events,
    void *arg)
{
	struct chan *c = calloc(1, sizeof(*c));
	static bool watches_forks;
	int r;

	if (c == NULL)
		log_fatal("out of memory for a channel");
	if (!watches_forks)
		pthread_atfork(NULL, NULL, forget_dirty);
	watches_forks = true;
	assert(proto->nshapes < PACKET_HELLO);
	c->proto = proto;
	c->events = events;
	c->arg = arg;
	c->is_open = c->is_owned = true;
	outbox_init(&c->outbox);
	TAILQ_INIT(&c->calls);
	task_queue_init(&c->ended);
	joiner_init(&c->joiner);
	r = io_init_lazy(&c->io, fd);
	if (r < 0)
		log_fatal("channel %s: %s", proto->name, strerror(-r));
	say_hello(c);
	c->refs = 2; /* the owner and the reader */
	task_start(read_all, c);
	return c;
}

static void
release(struct chan *c)
{
	if (--c->refs > 0)
		return;
	clean(c);
	outbox_drop(&c->outbox);
	joiner_done(&c->joiner);
	io_done(&c->io);
	free(c);
}

void
chan_close(struct chan **cp)
{
	struct chan *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	c->is_owned = c->is_open = false;
	clean(c);
	end_all_calls(c);
	task_wake_all(&c->ended);
	flush(c);
	/* The reader wakes, sees that nobody listens, and leaves. */
	shutdown(c->io.fd, c->is_writing ? SHUT_RD : SHUT_RDWR);
	release(c);
}

int
chan_pair(int ret_fds[2])
{
	int room = SOCKET_ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ret_fds) < 0)
		return -errno;
	/* As much as the kernel grants: it only saves waits. */
	for (int i = 0; i < 2; i++)
		setsockopt(
		    ret_fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

bool
chan_is_open(const struct chan *c)
{
	return c->is_open && !c->is_mute;
}

int
chan_wait_end(struct chan *c, int64_t deadline)
{
	int r = 0;

	c->refs++;
	while (c->is_open && r == 0)
		r = task_wait(&c->ended, deadline);
	release(c);
	return r;
}

int
chan_peer_uid(const struct chan *c, uid_t *ret_uid, gid_t *ret_gid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return -errno;
	*ret_uid = who.uid;
	*ret_gid = who.gid;
	return 0;
}
