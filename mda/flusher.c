/* SPDX-License-Identifier: ISC */
/* flusher - questions gathered, one flush, answers.  Owns the conversations
 * with the children, and a directory of each disk while one of them uses it. */
#include "flusher.h"

#include "barrier.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>

static const struct field parcel_fields[] = {
    SHAPE_U64(struct flush_parcel, files, UINT32_MAX),
    SHAPE_U64(struct flush_parcel, at_once, 1),
    SHAPE_U64(struct flush_parcel, result, BARRIER_BROKE),
};
static const struct shape parcel_shape =
    SHAPE("flush", struct flush_parcel, parcel_fields);
static const struct shape *const shapes[FLUSH_KINDS] = {
    [FLUSH_CLIENT] = &parcel_shape,
    [FLUSH_DISK] = &parcel_shape,
    [FLUSH_ASK] = &parcel_shape,
    [FLUSH_DONE] = &parcel_shape,
};
const struct protocol flush_protocol = {"flush", 1, shapes, FLUSH_KINDS};

struct client {
	LIST_ENTRY(client) link; /* of its disk, if it has one */
	struct chan *chan;
	struct disk *disk;          /* NULL: none that is known */
	uint32_t asked[FLUSH_OPEN]; /* exchange numbers */
	size_t nasked;
	unsigned unsure; /* so many of its questions may be of what is lost */
};

struct disk {
	LIST_ENTRY(disk) link;
	LIST_HEAD(, client) clients;
	dev_t dev;
	int fd;
	struct barrier barrier;
	uint64_t files;         /* that wait */
	int64_t next;           /* mono: not before, unless there are enough */
	struct loop_call flush; /* all that this turn brought */
	bool is_pausing;        /* a task waits for `next` */
};

static LIST_HEAD(, disk) disks;
static struct chan *broker; /* NULL: has left */
static unsigned nclients;

/* ---- a disk ---- */

static void
free_if_unused(struct disk *d)
{
	if (!LIST_EMPTY(&d->clients) || d->is_pausing || d->flush.is_due)
		return;
	LIST_REMOVE(d, link);
	fd_close(&d->fd);
	free(d);
}

static void
answer(struct client *c, uint32_t exchange, enum barrier_result result)
{
	const struct flush_parcel done = {.result = result};

	chan_send(c->chan, FLUSH_DONE, exchange, &done, NULL, 0);
}

static void
answer_all(struct client *c, enum barrier_result result)
{
	for (size_t i = 0; i < c->nasked; i++)
		answer(c, c->asked[i], result);
	c->nasked = 0;
}

/* The kernel says only once, by one descriptor, that something was not written,
 * and it may be of a child that has written and has not asked yet. */
static void
flush(void *arg)
{
	struct disk *d = arg;
	enum barrier_result result = BARRIER_IS_NONE;
	struct client *c;

	if (d->files >= BARRIER_MANY)
		result = barrier_all(&d->barrier, d->fd);
	d->files = 0;
	LIST_FOREACH (c, &d->clients, link) {
		if (result == BARRIER_BROKE)
			c->unsure = FLUSH_OPEN;
		answer_all(c, result);
	}
	clock_update();
	d->next = clock_after(FLUSH_PAUSE);
	free_if_unused(d);
}

static void
flush_later(void *arg)
{
	struct disk *d = arg;

	while (d->next > clock_mono())
		if (task_sleep(d->next) < 0)
			break;
	d->is_pausing = false;
	if (d->files > 0)
		loop_at_turn_end(&d->flush);
	free_if_unused(d);
}

static void
plan(struct disk *d, bool at_once)
{
	if (at_once || d->next <= clock_mono()) {
		loop_at_turn_end(&d->flush);
	} else if (!d->is_pausing) {
		d->is_pausing = true;
		task_start(flush_later, d);
	}
}

static struct disk *
new_disk(dev_t dev, int fd)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		log_fatal("out of memory for a disk");
	LIST_INIT(&d->clients);
	d->dev = dev;
	d->fd = fd;
	d->flush = (struct loop_call){.fn = flush, .arg = d};
	LIST_INSERT_HEAD(&disks, d, link);
	return d;
}

/* SECURITY: by one that syncfs(2) does not take, a child could have all others
 * believe that their disk fails. */
static bool
is_usable(int fd, struct stat *ret)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_PATH) == 0 && fd_has_syncfs(fd) &&
	       fstat(fd, ret) == 0 && S_ISDIR(ret->st_mode);
}

/* Takes the descriptor; NULL: not one to be flushed as a whole. */
static struct disk *
find_disk(int fd)
{
	struct stat st;
	struct disk *d;

	if (!is_usable(fd, &st)) {
		fd_close(&fd);
		return NULL;
	}
	LIST_FOREACH (d, &disks, link)
		if (d->dev == st.st_dev)
			break;
	if (d == NULL)
		return new_disk(st.st_dev, fd);
	fd_close(&fd);
	return d;
}

/* ---- conversations ---- */

static void
leave(struct client *c)
{
	struct disk *d = c->disk;

	if (d != NULL) {
		LIST_REMOVE(c, link);
		free_if_unused(d);
	}
	chan_close(&c->chan);
	free(c);
	if (--nclients == 0)
		loop_stop();
}

static void
take_parcel(struct chan *chan, struct parcel *p, void *arg)
{
	const struct flush_parcel *ask = p->value;
	struct client *c = arg;

	(void)chan;
	if (p->kind == FLUSH_DISK && c->disk == NULL) {
		c->disk = find_disk(parcel_take_fd(p, 0));
		if (c->disk != NULL)
			LIST_INSERT_HEAD(&c->disk->clients, c, link);
		answer(c, p->exchange,
		    c->disk != NULL ? BARRIER_HOLDS : BARRIER_IS_NONE);
		return;
	}
	if (p->kind != FLUSH_ASK || c->disk == NULL ||
	    c->nasked == FLUSH_OPEN) {
		answer(c, p->exchange, BARRIER_IS_NONE);
		return;
	}
	if (c->unsure > 0) {
		c->unsure--;
		answer(c, p->exchange, BARRIER_BROKE);
		return;
	}
	c->asked[c->nasked++] = p->exchange;
	c->disk->files += ask->files;
	plan(c->disk, ask->at_once);
}

static void
close_client(struct chan *chan, const char *why, void *arg)
{
	(void)chan;
	if (*why != '\0')
		log_warning("flusher: a child's conversation ended: %s", why);
	leave(arg);
}

static void
take_client(struct chan *chan, struct parcel *p, void *arg)
{
	static const struct chan_events events = {take_parcel, close_client};
	struct client *c;
	int fd = parcel_take_fd(p, 0);

	(void)chan;
	(void)arg;
	if (p->kind != FLUSH_CLIENT || fd < 0) {
		fd_close(&fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		log_fatal("out of memory for a child of mda");
	nclients++;
	c->chan = chan_new(fd, &flush_protocol, &events, c);
}

/* Those that are left still have what they ask for. */
static void
close_broker(struct chan *chan, const char *why, void *arg)
{
	(void)chan;
	(void)why;
	(void)arg;
	chan_close(&broker);
	if (nclients == 0)
		loop_stop();
}

void
flusher_run(int fd)
{
	static const struct chan_events events = {take_client, close_broker};

	LIST_INIT(&disks);
	nclients = 0;
	broker = chan_new(fd, &flush_protocol, &events, NULL);
	loop_run();
	if (broker != NULL)
		chan_close(&broker);
}
