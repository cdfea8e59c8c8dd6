/* SPDX-License-Identifier: ISC */
/* inquiry - the conversation, and a listing's pipe. */
#include "inquiry.h"

#include "base/file.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (660 * CLOCK_SEC) /* what an agent has in hand may last */
#define BLOCK    (256 * 1024)

struct run {
	void (*fn)(void *arg);
	void *arg;
};

static void
run_and_stop(void *arg)
{
	struct run *r = arg;

	r->fn(r->arg);
	loop_stop();
}

void
inquiry_run(void (*fn)(void *arg), void *arg)
{
	struct run r = {fn, arg};

	if (loop_init() < 0) {
		fputs("cannot wait for events\n", stderr);
		exit(EXIT_FAILURE);
	}
	task_start(run_and_stop, &r);
	loop_run();
}

int
inquiry_open(const struct conf *c, struct chan **ret)
{
	struct str queue = conf_str(c, PARAM_queue_directory);
	FD_CLEANUP int dir = -1;
	char *path;
	int fd;

	if (asprintf(&path, "%.*s/public", STR_ARG(queue)) < 0)
		return -ENOMEM;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (dir < 0)
		return -errno;
	fd = unix_connect(dir, "showq", SOCK_SEQPACKET);
	if (fd < 0)
		return fd;
	*ret = chan_new(fd, &admin_protocol, NULL, NULL);
	return 0;
}

int
inquiry_call(struct chan *c, unsigned kind, const void *value, unsigned want,
    struct parcel *ret, struct buf *why)
{
	return inquiry_give(c, kind, value, NULL, 0, want, ret, why);
}

int
inquiry_give(struct chan *c, unsigned kind, const void *value, const int *fds,
    size_t nfds, unsigned want, struct parcel *ret, struct buf *why)
{
	const struct admin_done *done;
	int r =
	    chan_call(c, kind, value, fds, nfds, ret, clock_after(PATIENCE));

	if (r < 0) {
		buf_addf(
		    why, "the queue manager does not answer: %s", strerror(-r));
		return r;
	}
	done = ret->kind == ADMIN_DONE ? ret->value : NULL;
	if (ret->kind == want && (done == NULL || done->error == 0))
		return 0;
	r = done != NULL ? -(int)done->error : -EPROTO;
	if (done != NULL)
		buf_add_str(why, done->text);
	else
		buf_add_c(why, "the queue manager gave another answer");
	parcel_done(ret);
	return r == 0 ? -EPROTO : r;
}

/* Takes the descriptor. */
static int
open_pipe(struct io *io, int fd)
{
	int r = fd < 0 ? -EPROTO : fd_nonblock(fd);

	if (r == 0)
		r = io_init(io, fd);
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

int
inquiry_list(struct chan *c, bool only_names, struct inquiry_entries *ret,
    struct buf *why)
{
	const struct admin_list list = {.only_names = only_names};
	const struct admin_listing *listing;
	struct parcel answer;
	int r = inquiry_call(c, ADMIN_LIST, &list, ADMIN_LISTING, &answer, why);

	if (r < 0)
		return r;
	listing = answer.value;
	r = inquiry_entries(parcel_take_fd(&answer, 0), ret);
	if (r < 0)
		buf_addf(why, "the list cannot be read: %s", strerror(-r));
	else
		ret->total = listing->total;
	parcel_done(&answer);
	return r;
}

int
inquiry_entries(int fd, struct inquiry_entries *ret)
{
	int r;

	*ret = (struct inquiry_entries){.total = 0};
	r = open_pipe(&ret->io, fd);
	if (r < 0)
		return r;
	buf_init(&ret->bytes, ADMIN_ENTRY_MAX + BLOCK);
	arena_init(&ret->arena, SIZE_MAX / 2); /* qmgr's word is bounded */
	return 0;
}

/* See that `n` bytes behind what was used are there. */
static int
fill(struct inquiry_entries *e, size_t n)
{
	while (e->bytes.len - e->used < n) {
		char *room;
		ssize_t got;

		buf_drop(&e->bytes, e->used);
		e->used = 0;
		room = buf_room(&e->bytes, BLOCK);
		if (room == NULL)
			return -EMSGSIZE;
		got = io_read(&e->io, room, BLOCK, clock_after(PATIENCE));
		if (got <= 0)
			return got < 0 ? (int)got : -EPIPE;
		buf_grew(&e->bytes, (size_t)got);
	}
	return 0;
}

int
inquiry_next(struct inquiry_entries *e)
{
	const char *why;
	uint32_t size;
	int r = fill(e, sizeof(size));

	if (r < 0)
		return r;
	memcpy(&size, e->bytes.p + e->used, sizeof(size));
	e->used += sizeof(size);
	if (size == 0)
		return 0;
	r = size > ADMIN_ENTRY_MAX ? -EPROTO : fill(e, size);
	if (r < 0)
		return r;
	arena_reset(&e->arena);
	if (shape_decode(&admin_entry_shape, str_n(e->bytes.p + e->used, size),
		&e->arena, &e->entry, &why) < 0)
		return -EPROTO;
	e->used += size;
	return 1;
}

void
inquiry_end(struct inquiry_entries *e)
{
	io_done(&e->io);
	buf_done(&e->bytes);
	arena_done(&e->arena);
}

uint64_t
inquiry_queue(struct str name)
{
	return str_eq(name, STR("incoming")) ? ADMIN_QUEUE_ACTIVE
	                                     : admin_queue_named(name);
}
