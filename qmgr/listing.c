/* SPDX-License-Identifier: ISC */
/*
 * listing - the copy writes entries (length, value) into a pipe; a task here
 * reads them.  The copy keeps the pipe and ends when that does.
 */
#include "listing.h"

#include "qmgr.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRY_MAX (64 * 1024 * 1024)
#define BLOCK     (64 * 1024)
#define TIME      (600 * CLOCK_SEC)

static const char *
queue_of(const struct message *m)
{
	switch (m->state) {
	case MESSAGE_TAKEN:
	case MESSAGE_ACTIVE:
		break;
	case MESSAGE_WAITING:
		return "deferred";
	case MESSAGE_HELD:
		return "hold";
	}
	return "active";
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

static int
write_entry(int fd, const struct message *m, const struct store_body *b)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf out = {0};
	uint32_t size = 0;
	struct admin_entry e = {
	    .queue = str_c(queue_of(m)),
	    .id = b->envelope.id,
	    .arrival = b->envelope.arrival,
	    .size = b->envelope.size,
	    .sender = b->envelope.sender,
	};
	int r;

	arena_init(&a, SIZE_MAX / 2);
	buf_init(&out, ENTRY_MAX);
	e.recipients = make_recipients(b, &a);
	buf_add(&out, &size, sizeof(size));
	r = shape_encode(admin_protocol.shapes[ADMIN_ENTRY], &e, &out);
	if (r < 0)
		return 0; /* one that cannot be shown is left out */
	size = (uint32_t)(out.len - sizeof(size));
	memcpy(out.p, &size, sizeof(size));
	return fd_write_all(fd, out.p, out.len);
}

/* In the copy. */
static void
write_all(struct qmgr *q, int fd)
{
	MAP_FOREACH (slot, &q->messages) {
		struct message *m = slot->value;
		struct store_body *b = NULL;
		const char *why;

		if (m->state == MESSAGE_TAKEN)
			continue;
		if (m->active != NULL) {
			if (write_entry(fd, m, m->active->body) < 0)
				return;
			continue;
		}
		if (store_load(q->store, &m->item, &b, &why) < 0)
			continue;
		if (write_entry(fd, m, b) < 0)
			return;
		store_body_free(&b);
	}
}

static pid_t
start_copy(struct qmgr *q, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	log_flush();
	pid = fork();
	if (pid == 0) {
		/* Nothing of the parent's may be answered or ended here. */
		close(fds[0]);
		write_all(q, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	if (pid < 0) {
		pid = -errno;
		close(fds[0]);
		return pid;
	}
	*ret_fd = fds[0];
	return pid;
}

/* The entries that are whole at the front of `in`. */
static int
take_entries(struct buf *in, listing_fn each, void *arg, uint64_t *count)
{
	size_t used = 0;
	uint32_t size;

	while (in->len - used >= sizeof(size)) {
		ARENA_CLEANUP struct arena a = {0};
		struct admin_entry e;
		const char *why;

		memcpy(&size, in->p + used, sizeof(size));
		if (size > ENTRY_MAX)
			return -EPROTO;
		if (in->len - used - sizeof(size) < size)
			break;
		arena_init(&a, entry_arena_max(size));
		if (shape_decode(admin_protocol.shapes[ADMIN_ENTRY],
			str_n(in->p + used + sizeof(size), size), &a, &e,
			&why) < 0)
			return -EPROTO;
		if (!each(arg, &e))
			return -EPIPE;
		(*count)++;
		used += sizeof(size) + size;
	}
	buf_drop(in, used);
	return 0;
}

static int
read_entries(struct io *io, listing_fn each, void *arg, uint64_t *count)
{
	struct buf in;
	int64_t deadline = clock_after(TIME);
	int r = 0;

	buf_init(&in, 2 * ENTRY_MAX);
	while (r == 0) {
		char *room = buf_room(&in, BLOCK);
		ssize_t n;

		if (room == NULL) {
			r = -EMSGSIZE;
			break;
		}
		n = io_read(io, room, BLOCK, deadline);
		if (n <= 0) {
			r = (int)n;
			break;
		}
		buf_grew(&in, (size_t)n);
		r = take_entries(&in, each, arg, count);
		task_yield(); /* what was sent leaves with the turn */
	}
	buf_done(&in);
	return r;
}

int
listing_run(struct qmgr *q, listing_fn each, void *arg, uint64_t *ret_count)
{
	struct io io;
	int fd, r;
	pid_t pid = start_copy(q, &fd);

	if (pid < 0)
		return (int)pid;
	r = fd_nonblock(fd);
	if (r == 0)
		r = io_init(&io, fd);
	if (r == 0) {
		r = read_entries(&io, each, arg, ret_count);
		io_done(&io);
	}
	/* It has ended, or its pipe is gone. */
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
