/* SPDX-License-Identifier: ISC */
/* Any bytes, in pieces of any size, read as lines: the same lines as when the
 * text is cut at its LFs. */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct str left;  /* to be sent */
	struct str model; /* to be read */
	size_t step;
	int peer;
	struct stream stream;
};

static void
send_all(void *arg)
{
	struct run *run = arg;

	while (run->left.len > 0) {
		struct str piece = str_sub(run->left, 0, run->step);
		ssize_t n = write(run->peer, piece.p, piece.len);

		if (n > 0)
			run->left = str_from(run->left, (size_t)n);
		task_yield();
	}
	close(run->peer);
}

/* What the model says is next: false: that all was read. */
static bool
expect(struct run *run, int r, struct str line, bool crlf)
{
	struct str want;
	ptrdiff_t lf = str_find(run->model, '\n');
	size_t len = lf < 0 ? run->model.len : (size_t)lf;
	bool cr;

	want = str_sub(run->model, 0, len);
	run->model = str_from(run->model, lf < 0 ? len : len + 1);
	cr = lf >= 0 && str_has_suffix(want, STR("\r"));
	want.len -= cr;
	if (r == -EMSGSIZE) {
		assert(want.len > MAX);
		return true;
	}
	if (r < 0) {
		assert(r == -ECONNRESET && lf < 0);
		return false;
	}
	assert(lf >= 0 && want.len <= MAX && crlf == cr);
	assert(str_eq(want, line));
	return true;
}

static void
read_all(void *arg)
{
	struct run *run = arg;
	struct str line = STR_NONE;
	bool crlf = false;
	int r;

	do
		r = stream_read_line(&run->stream, MAX, &line, &crlf);
	while (expect(run, r, line, crlf));
	stream_done(&run->stream);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	struct run run = {0};
	int fds[2];

	if (size < 1)
		return 0;
	if (!is_ready && loop_init() < 0)
		abort();
	is_ready = true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	run.step = data[0] == 0 ? size : data[0];
	run.left = run.model = str_n((const char *)data + 1, size - 1);
	run.peer = fds[1];
	if (stream_init(&run.stream, fds[0]) < 0)
		abort();
	task_start(send_all, &run);
	task_start(read_all, &run);
	loop_run();
	return 0;
}
