/* SPDX-License-Identifier: ISC */
/*
 * store_group - what the disk has to do for messages on their way into files,
 * for many of them at a time: files in tmp/ are written one after the other
 * and made durable together (store_together.c); names are given.  The thread
 * stops between two files for whatever else waits for it.
 */
#include "base/log.h"
#include "mail/queue/store_move.h"

#include <errno.h>
#include <stdlib.h>

#define GROUP_MAX   128
#define GROUP_BYTES (2 * 1024 * 1024) /* of content */

struct move_group {
	struct flusher_job job;
	struct store *store;
	struct store_move *moves[GROUP_MAX];
	size_t n, bytes;
	size_t at;         /* the thread's, as what follows */
	uint64_t failures; /* when it began: of store_sync_all() */
	bool is_together, is_through;
};

static void
write_file(struct move_group *g, struct store_move *m)
{
	const struct store_config *c = &g->store->config;
	char path[DIRS_PATH_MAX];

	dirs_tmp_path(str_c(m->id), m->nonce, path);
	m->error = queue_file_write(
	    c->disk, c->dirfd, path, &m->draft, m->content, !g->is_together);
}

/* The flush of a directory is that of the device too, which sync_all may not
 * have been.  One that failed between two of our files may have been told of
 * ours. */
static void
make_durable(struct move_group *g)
{
	const struct store_config *c = &g->store->config;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < g->n; i++)
		any |= g->moves[i]->error == 0;
	if (!any)
		return;
	if (g->is_together)
		r = g->failures == g->store->sync_failures
		        ? store_sync_all(g->store)
		        : -EIO;
	if (r == 0)
		r = c->disk->sync_dir(c->disk->arg, c->dirfd, "tmp");
	for (size_t i = 0; i < g->n && r < 0; i++)
		g->moves[i]->error = r;
}

static int
run_writing(struct flusher_job *job)
{
	struct move_group *g = (struct move_group *)job;

	if (g->at == 0) {
		g->is_together = store_may_sync_all(g->store, g->n);
		g->failures = g->store->sync_failures;
	}
	while (g->at < g->n) {
		write_file(g, g->moves[g->at++]);
		if (g->at < g->n && flusher_is_wanted(g->store->flusher))
			return 0;
	}
	make_durable(g);
	g->is_through = true;
	return 0;
}

static void
end_writing(struct flusher_job *job, int error)
{
	struct move_group *g = (struct move_group *)job;

	(void)error;
	if (!g->is_through) {
		flusher_submit(g->store->flusher, FLUSHER_SLOW, &g->job,
		    run_writing, end_writing);
		return;
	}
	for (size_t i = 0; i < g->n; i++)
		store_move_written(g->moves[i]);
	free(g);
}

static int
run_naming(struct flusher_job *job)
{
	struct move_group *g = (struct move_group *)job;
	const struct store_config *c = &g->store->config;

	for (size_t i = 0; i < g->n; i++) {
		struct store_move *m = g->moves[i];
		char from[DIRS_PATH_MAX], to[DIRS_PATH_MAX];

		dirs_tmp_path(str_c(m->id), m->nonce, from);
		dirs_path(m->queue, str_c(m->id), to);
		m->error = c->disk->rename(c->disk->arg, c->dirfd, from, to);
	}
	return 0;
}

static void
end_naming(struct flusher_job *job, int error)
{
	struct move_group *g = (struct move_group *)job;

	(void)error;
	for (size_t i = 0; i < g->n; i++)
		store_move_named(g->moves[i]);
	free(g);
}

static void
send_writing(struct store *s)
{
	struct move_group *g = s->writing;

	s->writing = NULL;
	if (g != NULL)
		flusher_submit(s->flusher, FLUSHER_SLOW, &g->job, run_writing,
		    end_writing);
}

static void
send_naming(struct store *s)
{
	struct move_group *g = s->naming;

	s->naming = NULL;
	if (g != NULL)
		flusher_submit(
		    s->flusher, FLUSHER_SLOW, &g->job, run_naming, end_naming);
}

void
store_send_group(struct store *s)
{
	send_naming(s);
	send_writing(s);
}

/* True: it is full. */
static bool
add(struct move_group **at, struct store_move *m)
{
	struct move_group *g = *at;

	if (g == NULL) {
		g = *at = calloc(1, sizeof(*g));
		if (g == NULL)
			log_fatal("out of memory for a group of moves");
		g->store = m->store;
	}
	g->moves[g->n++] = m;
	g->bytes += m->bytes;
	return g->n == GROUP_MAX || g->bytes >= GROUP_BYTES;
}

void
store_group_write(struct store_move *m)
{
	m->bytes = content_size(m->content);
	m->store->moving_bytes += m->bytes;
	if (add(&m->store->writing, m))
		send_writing(m->store);
}

void
store_group_name(struct store_move *m)
{
	if (add(&m->store->naming, m))
		send_naming(m->store);
}
