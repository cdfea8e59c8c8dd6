/* SPDX-License-Identifier: ISC */
/* flush - asking the flusher.  Owns the conversation with it. */
#include "flush.h"

#include "base/clock.h"
#include "base/file.h"
#include "flusher.h"

#include <errno.h>

/* Two flushes that take long by barrier.c's measure, and more. */
#define DEADLINE CLOCK_SEC

/* A batch that does not wait for others to share its flushes. */
#define LARGE 32

static void
close_chan(struct chan *c, const char *why, void *arg)
{
	struct flush *f = arg;

	(void)c;
	(void)why;
	chan_close(&f->chan);
}

void
flush_init(struct flush *f, int fd)
{
	static const struct chan_events events = {.on_close = close_chan};

	*f = (struct flush){0};
	task_queue_init(&f->told);
	if (fd >= 0)
		f->chan = chan_new(fd, &flush_protocol, &events, f);
}

void
flush_done(struct flush *f)
{
	if (f->chan != NULL)
		chan_close(&f->chan);
}

static enum barrier_result
ask(struct flush *f, enum flush_kind kind, const struct flush_parcel *q,
    const int *fd)
{
	const struct flush_parcel *done;
	enum barrier_result result = BARRIER_IS_NONE;
	struct parcel p;
	int r = chan_call(f->chan, kind, q, fd, fd == NULL ? 0 : 1, &p,
	    clock_after(DEADLINE));

	if (r == -ETIMEDOUT)
		barrier_shun(&f->barrier);
	if (r < 0)
		return BARRIER_IS_NONE;
	done = p.value;
	if (p.kind == FLUSH_DONE)
		result = (enum barrier_result)done->result;
	parcel_done(&p);
	return result;
}

void
flush_begin(struct flush *f, int fd, dev_t dev)
{
	const struct flush_parcel q = {0};

	while (f->is_telling)
		if (task_wait(&f->told, CLOCK_NEVER) < 0)
			return;
	if (f->chan == NULL || f->is_told)
		return;
	f->is_told = true;
	if (!fd_has_syncfs(fd))
		return;
	f->dev = dev;
	f->is_telling = true;
	f->is_open = ask(f, FLUSH_DISK, &q, &fd) == BARRIER_HOLDS;
	f->is_telling = false;
	task_wake_all(&f->told);
}

enum barrier_result
flush_all(struct flush *f, int fd, dev_t dev, size_t n, size_t of)
{
	const struct flush_parcel q = {.files = n, .at_once = of >= LARGE};
	enum barrier_result r = BARRIER_IS_NONE;

	if (clock_exact() < f->barrier.alone_until)
		return BARRIER_IS_NONE;
	if (n < BARRIER_MANY && (f->chan == NULL || q.at_once))
		return BARRIER_IS_NONE;
	if (f->chan == NULL)
		return !fd_has_syncfs(fd) ? BARRIER_IS_NONE
		                          : barrier_all(&f->barrier, fd);
	if (f->is_open && f->dev == dev)
		r = ask(f, FLUSH_ASK, &q, NULL);
	if (r == BARRIER_BROKE)
		barrier_shun(&f->barrier);
	return r;
}
