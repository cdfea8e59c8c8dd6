/* SPDX-License-Identifier: ISC */
/*
 * io - waiting for descriptors.  Each is registered with epoll once, edge
 * triggered, for reading and writing, and is never taken out: closing does
 * that.  Owns the epoll descriptor and the table of slots.
 *
 * A registration outlives io_done() while another process holds a duplicate
 * (a child between fork and close, a receiver of SCM_RIGHTS), so an event
 * names a slot and its generation instead of pointing to an io.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/task_impl.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 256 /* taken in one call */

#define NO_SLOT UINT32_MAX

struct slot {
	struct io *io; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

static struct {
	int fd;
	bool is_open;
	struct slot *slots;
	uint32_t nslots;
	uint32_t free; /* the first; NO_SLOT: none */
} poller = {.free = NO_SLOT};

/* ---- slots ---- */

static uint32_t
take_slot(struct io *io)
{
	uint32_t i = poller.free;

	if (i == NO_SLOT) {
		i = poller.nslots++;
		poller.slots = reallocarray(
		    poller.slots, poller.nslots, sizeof(struct slot));
		if (poller.slots == NULL)
			log_fatal("out of memory for %u descriptors", i);
		poller.slots[i] = (struct slot){.next_free = NO_SLOT};
	}
	poller.free = poller.slots[i].next_free;
	poller.slots[i].io = io;
	return i;
}

static void
give_slot(uint32_t i)
{
	struct slot *s = &poller.slots[i];

	s->io = NULL;
	s->generation++;
	s->next_free = poller.free;
	poller.free = i;
}

/* ---- the loop's side ---- */

void
io_loop_done(void)
{
	if (poller.is_open)
		close(poller.fd);
	poller.is_open = false;
	poller.nslots = 0;
	poller.free = NO_SLOT;
}

int
io_loop_init(void)
{
	poller.fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller.fd < 0)
		return -errno;
	poller.is_open = true;
	return 0;
}

/* In milliseconds for epoll_wait, rounded up: never early. */
static int
timeout_until(int64_t deadline)
{
	int64_t ms;

	if (deadline == CLOCK_NEVER)
		return -1;
	if (deadline <= clock_mono())
		return 0;
	ms = (deadline - clock_mono() - 1) / CLOCK_MS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void
mark_ready(struct io *io, uint32_t events)
{
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		io->is_hung_up = true;
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
		io->readable = true;
		if (io->reader != NULL)
			task_ready(io->reader, 0);
	}
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
		io->writable = true;
		if (io->writer != NULL)
			task_ready(io->writer, 0);
	}
}

void
io_loop_poll(int64_t deadline)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(poller.fd, events, EVENTS, timeout_until(deadline));

	if (n < 0 && errno != EINTR)
		log_fatal("epoll_wait: %s", strerror(errno));
	clock_update();
	for (int i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)events[i].data.u64;
		uint32_t generation = (uint32_t)(events[i].data.u64 >> 32);

		if (slot < poller.nslots && poller.slots[slot].io != NULL &&
		    poller.slots[slot].generation == generation)
			mark_ready(poller.slots[slot].io, events[i].events);
	}
}

/* ---- the tasks' side ---- */

static int
set_watch(const struct io *io, int how, uint32_t events)
{
	struct epoll_event e = {
	    .events = events | EPOLLIN | EPOLLRDHUP | EPOLLET};

	e.data.u64 =
	    (uint64_t)poller.slots[io->slot].generation << 32 | io->slot;
	return epoll_ctl(poller.fd, how, io->fd, &e) < 0 ? -errno : 0;
}

static int
start_watch(struct io *io, int fd, bool is_lazy)
{
	int r;

	*io = (struct io){.fd = fd, .writable = true, .is_lazy = is_lazy};
	io->slot = take_slot(io);
	r = set_watch(io, EPOLL_CTL_ADD, is_lazy ? 0 : EPOLLOUT);
	if (r < 0) {
		give_slot(io->slot);
		io->fd = -1;
	}
	return r;
}

int
io_init(struct io *io, int fd)
{
	return start_watch(io, fd, false);
}

int
io_init_lazy(struct io *io, int fd)
{
	return start_watch(io, fd, true);
}

void
io_done(struct io *io)
{
	if (io->fd < 0)
		return;
	give_slot(io->slot);
	close(io->fd);
	io->fd = -1;
	if (io->reader != NULL)
		task_ready(io->reader, -ECANCELED);
	if (io->writer != NULL)
		task_ready(io->writer, -ECANCELED);
}

int
io_wait_read(struct io *io, int64_t deadline)
{
	if (!io->readable)
		return task_suspend(NULL, &io->reader, deadline);
	return task_is_greedy() ? task_pause(&io->reader) : 0;
}

static int
wait_watching(struct io *io, int64_t deadline)
{
	int r = set_watch(io, EPOLL_CTL_MOD, EPOLLOUT);

	if (r == 0)
		r = task_suspend(NULL, &io->writer, deadline);
	/* After -ECANCELED the io may be gone. */
	if (r != -ECANCELED)
		set_watch(io, EPOLL_CTL_MOD, 0);
	return r;
}

int
io_wait_write(struct io *io, int64_t deadline)
{
	if (!io->writable && io->is_lazy)
		return wait_watching(io, deadline);
	if (!io->writable)
		return task_suspend(NULL, &io->writer, deadline);
	return task_is_greedy() ? task_pause(&io->writer) : 0;
}

ssize_t
io_read(struct io *io, void *bytes, size_t n, int64_t deadline)
{
	for (;;) {
		int r = io_wait_read(io, deadline);
		ssize_t got;

		if (r < 0)
			return r;
		got = read(io->fd, bytes, n);
		if (got < 0 && errno == EAGAIN)
			io->readable = false;
		else if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		/* What comes after this read is a new edge; only an end that
		 * was told before it is not. */
		if (io->is_stream && (size_t)got < n && !io->is_hung_up)
			io->readable = false;
		return got;
	}
}

ssize_t
io_write(struct io *io, const void *bytes, size_t n, int64_t deadline)
{
	for (;;) {
		int r = io_wait_write(io, deadline);
		ssize_t put;

		if (r < 0)
			return r;
		put = write(io->fd, bytes, n);
		if (put < 0 && errno == EAGAIN)
			io->writable = false;
		else if (put < 0 && errno != EINTR)
			return -errno;
		if (put < 0)
			continue;
		if (io->is_stream && (size_t)put < n)
			io->writable = false;
		return put;
	}
}

int
io_write_all(struct io *io, const void *bytes, size_t n, int64_t deadline)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t put = io_write(io, p, n, deadline);

		if (put < 0)
			return (int)put;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* accept(2): what is wrong with the connection, not with the listener. */
static bool
is_of_connection(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

int
io_accept(struct io *io, struct sockaddr_storage *ret_peer, int64_t deadline)
{
	for (;;) {
		socklen_t len = sizeof(*ret_peer);
		int r = io_wait_read(io, deadline);
		int fd;

		if (r < 0)
			return r;
		fd = accept4(io->fd, (struct sockaddr *)ret_peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno == EAGAIN)
			io->readable = false;
		else if (!is_of_connection(errno))
			return -errno;
	}
}

int
io_connect(
    struct io *io, const struct sockaddr *to, socklen_t len, int64_t deadline)
{
	int error;
	socklen_t n = sizeof(error);
	int r;

	/* What epoll said of the socket while it was not connected. */
	io->readable = false;
	io->is_hung_up = false;
	if (connect(io->fd, to, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	io->writable = false;
	r = io_wait_write(io, deadline);
	if (r < 0)
		return r;
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}
