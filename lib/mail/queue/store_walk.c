/* SPDX-License-Identifier: ISC */
/*
 * store_walk - the messages that lie in files, directory by directory, in the
 * order of the disk; some files ahead are opened, and where reads have to wait
 * the disk is told that they will be read.
 */
#include "base/clock.h"
#include "base/file.h"
#include "mail/queue/names.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define AHEAD      128  /* files */
#define FRONT_SIZE 8192 /* of each: all but the content of most */

#define COLD (4 * AHEAD)
#define SLOW (50 * CLOCK_MS / 1000) /* a read that waited ... */
#define NEAR                                                                   \
	64 /* ... for the disk, if so many reads ago another did: one          \
	      alone has waited for its turn */

struct ahead {
	struct store_item *item; /* NULL: not asked for */
	int fd;
};

struct walk {
	const struct store_walk *asked;
	struct store *store;
	enum entry_queue queue;
	struct names all; /* of a directory */
	struct ahead ahead[AHEAD];
	size_t cold;       /* so many files more are announced */
	size_t since_slow; /* reads since the last slow one */
};

/* The item, if it lies in this directory and is asked for. */
static struct store_item *
ask(const struct walk *w, const char *id)
{
	struct store_item *item = w->asked->wanted(w->asked->arg, str_c(id));

	return item != NULL && store_has_name(item) &&
	               item->queue == (uint8_t)w->queue
	           ? item
	           : NULL;
}

static void
open_ahead(struct walk *w, size_t i)
{
	struct ahead *a = &w->ahead[i % AHEAD];

	a->item = ask(w, w->all.p[i].id);
	a->fd = -1;
	if (a->item == NULL)
		return;
	a->fd = openat(names_fd(&w->all), w->all.p[i].id,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME);
	if (a->fd < 0 || w->cold == 0)
		return;
	posix_fadvise(a->fd, 0, FRONT_SIZE, POSIX_FADV_WILLNEED);
	w->cold--;
}

static struct store_body *
load(struct walk *w, const struct ahead *a)
{
	int64_t start = clock_exact();
	struct store_body *b = NULL;
	const char *why;

	/* One that cannot be read now is seen to when it is attempted. */
	if (a->fd >= 0)
		(void)store_load_from(w->store, a->item, a->fd, &b, &why);
	if (clock_exact() - start <= SLOW) {
		w->since_slow++;
		return b;
	}
	if (w->since_slow < NEAR)
		w->cold = COLD;
	w->since_slow = 0;
	return b;
}

static int
tell(struct walk *w, struct ahead *a)
{
	struct store_body *b;
	int r = 0;

	if (a->item == NULL)
		return 0;
	b = load(w, a);
	fd_close(&a->fd);
	if (b != NULL)
		r = w->asked->each(w->asked->arg, a->item, b);
	store_body_free(&b);
	return r;
}

static int
walk_bodies(struct walk *w)
{
	size_t opened = 0, i;
	int r = 0;

	for (i = 0; i < w->all.n && r == 0; i++) {
		while (opened < w->all.n && opened < i + AHEAD)
			open_ahead(w, opened++);
		r = tell(w, &w->ahead[i % AHEAD]);
	}
	for (; i < opened; i++)
		fd_close(&w->ahead[i % AHEAD].fd);
	return r;
}

static int
walk_items(struct walk *w)
{
	int r = 0;

	for (size_t i = 0; i < w->all.n && r == 0; i++) {
		struct store_item *item = ask(w, w->all.p[i].id);

		if (item != NULL)
			r = w->asked->each(w->asked->arg, item, NULL);
	}
	return r;
}

int
store_walk(struct store *s, const struct store_walk *asked)
{
	struct walk w = {.asked = asked, .store = s, .cold = COLD};
	int r = 0;

	for (unsigned i = 0; i <= DIRS_HASH && r == 0; i++) {
		char path[DIRS_PATH_MAX] = "hold";

		w.queue = i == DIRS_HASH ? QUEUE_HOLD : QUEUE_DEFERRED;
		if (w.queue == QUEUE_DEFERRED)
			dirs_of_hash(i, path);
		if (names_read(&w.all, s->config.dirfd, path) < 0)
			continue;
		r = asked->wants_body ? walk_bodies(&w) : walk_items(&w);
	}
	names_done(&w.all);
	return r;
}
