/* SPDX-License-Identifier: ISC */
/* store_open - start, the scan of names, end. */
#include "base/clock.h"
#include "base/log.h"
#include "mail/queue/names.h"
#include "mail/queue/replay.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
say_replay(void *arg, const char *text)
{
	store_say(arg, "%s", text);
}

bool
store_is_scanned(const struct store *s)
{
	return s->scan_at > DIRS_HASH;
}

void
store_note_ended(struct store *s, struct str id)
{
	char *copy;

	if (map_get(&s->ended, id) != NULL)
		return;
	copy = strndup(id.p, id.len);
	if (copy == NULL)
		log_fatal("out of memory for what the scan is to pass by");
	map_put(&s->ended, str_c(copy), copy);
}

static void
forget_ended(struct store *s)
{
	MAP_FOREACH (slot, &s->ended)
		free(slot->value);
	map_done(&s->ended);
}

/* One that an earlier run finished: wherever a file of it is, it goes. */
static void
remove_ended(void *arg, struct str id)
{
	struct store *s = arg;
	char path[DIRS_PATH_MAX];

	for (int q = 0; q < QUEUE_PLACES; q++) {
		dirs_path((enum entry_queue)q, id, path);
		store_unlink_ended(s, path, journal_oldest(s->journal));
	}
}

static void
adopt(struct store_item *item, const struct survivor *from)
{
	memcpy(item->id, from->id, sizeof(item->id));
	item->where = from->moved ? STORE_FILE : STORE_JOURNAL;
	item->is_copied = true;
	item->queue = (uint8_t)from->queue;
	item->nonce = from->nonce;
	if (!from->moved)
		item->place = from->place;
	for (size_t i = 0; i < from->nspoken; i++)
		store_add_spoken(item, &from->spoken[i]);
	store_relink(item);
}

static int
replay(struct replay *r, struct buf *why)
{
	int error = replay_run(r);

	if (error == 0)
		error = replay_settle(r);
	if (error < 0)
		buf_addf(
		    why, "cannot replay the journal: %s", strerror(-error));
	return error;
}

static void
end_generation(struct journal_wait *w, int error)
{
	struct store *s = (struct store *)((char *)w - offsetof(struct store,
							   generation_wait));

	if (error == 0) {
		s->generation_end = s->generation_wanted;
		journal_set_generation(s->journal, s->generation_end);
	}
	s->generation_wanted = 0;
}

/* The first generations to give out: durable before anything else. */
static int
reserve_generations(struct store *s)
{
	struct entry_generation e = {
	    .below = s->generation + STORE_GENERATIONS};
	int r;

	s->generation_end = s->generation;
	s->generation_wanted = e.below;
	r = journal_append(s->journal, ENTRY_GENERATION, &e, STR_NONE,
	    JOURNAL_STATUS, &s->generation_wait, NULL);
	journal_submit(s->journal);
	while (r == 0 && s->generation_wanted != 0)
		if (!flusher_wait(s->flusher))
			break;
	return s->generation_end == s->generation ? -EIO : 0;
}

static void
set_alarm(void *arg, bool on)
{
	struct store *s = arg;

	if (s->events.alarm != NULL)
		s->events.alarm(s->events.arg, on);
}

static void
move_on(void *arg)
{
	store_tend(arg);
}

static int
start(struct store *s, struct replay *r, store_found_fn found, struct buf *why)
{
	struct journal_events events = {
	    .closed = store_closed,
	    .alarm = set_alarm,
	    .moved_on = move_on,
	    .arg = s,
	};
	int error;

	s->generation = r->generation;
	MAP_FOREACH (slot, &r->survivors) {
		const struct survivor *one = slot->value;

		adopt(found(s->events.arg, str_c(one->id)), one);
	}
	error = journal_start(s->journal, &events);
	if (error == 0)
		error = reserve_generations(s);
	if (error < 0)
		buf_addf(why, "cannot write the journal: %s", strerror(-error));
	return error;
}

struct store *
store_open(const struct store_config *c, const struct store_events *e,
    store_found_fn found, struct buf *why)
{
	struct store *s = calloc(1, sizeof(*s));
	struct journal_config jc = {
	    .dirfd = c->dirfd,
	    .disk = c->disk,
	    .segment_size = c->segment_size,
	    .size_max = c->journal_size,
	};
	struct replay r = {
	    .disk = c->disk,
	    .dirfd = c->dirfd,
	    .say = say_replay,
	    .ended = remove_ended,
	    .arg = s,
	};
	int error = 0;

	if (s == NULL)
		log_fatal("out of memory for the queue");
	s->config = *c;
	s->events = *e;
	s->generation_wait.done = end_generation;
	s->has_sync_all = c->disk->has_sync_all(c->disk->arg, c->dirfd);
	s->leaving.store = s;
	STAILQ_INIT(&s->removals);
	STAILQ_INIT(&s->failed_removals);
	map_init(&s->ended);
	buf_init(&s->content, STORE_INLINE_MAX);
	STAILQ_INIT(&s->unfinished);
	/* What an earlier run renamed and removed may not be durable. */
	memset(&s->dirt, true, sizeof(s->dirt));
	s->flusher = jc.flusher = flusher_new(c->threaded);
	if (s->flusher == NULL)
		buf_addf(why, "no thread to be had: %s", strerror(errno));
	if (s->flusher != NULL && dirs_make(c->disk, c->dirfd, why) == 0)
		s->journal = r.journal = journal_open(&jc, why);
	if (s->journal == NULL) {
		flusher_free(&s->flusher);
		buf_done(&s->content);
		free(s);
		return NULL;
	}
	if (why->len > 0) /* a remark */
		store_say(s, "%s", why->p);
	buf_reset(why);
	error = replay(&r, why);
	if (error == 0)
		error = start(s, &r, found, why);
	replay_done(&r);
	if (error < 0)
		store_close(&s);
	return s;
}

void
store_sync(struct store *s)
{
	s->is_syncing = true;
	do {
		journal_hurry(s->journal);
		store_submit(s);
	} while (flusher_wait(s->flusher));
	s->is_syncing = false;
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	s->closing = true;
	store_sync(s);
	journal_give_up(s->journal);
	store_sync(s);
	store_drop_leftovers(s);
	forget_ended(s);
	journal_close(&s->journal);
	flusher_free(&s->flusher);
	buf_done(&s->content);
	free(s);
}

static void
look_at(struct store *s, const struct store_scan *scan, int fd,
    const char *name, enum entry_queue queue, unsigned hash)
{
	struct str id = str_c(name);
	struct store_item *item;
	struct stat st;
	char path[DIRS_PATH_MAX];

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (queue == QUEUE_DEFERRED && dirs_hash(id) != hash) {
		store_say(s,
		    "deferred/%02x/%s does not belong there: left "
		    "(postsuper -s)",
		    hash, name);
		return;
	}
	item = scan->known(scan->arg, id);
	if (item == NULL) {
		if (map_get(&s->ended, id) != NULL)
			return;
		scan->each(scan->arg, id, queue,
		    st.st_mtim.tv_sec * CLOCK_SEC + st.st_mtim.tv_nsec);
		return;
	}
	/* The journal decides: no record says that there is a file. */
	if (item->where != STORE_JOURNAL || item->move != NULL)
		return;
	dirs_path(queue, id, path);
	store_unlink(s, path, NULL);
}

bool
store_scan(struct store *s, const struct store_scan *scan)
{
	bool is_hold = s->scan_at == DIRS_HASH;
	char path[DIRS_PATH_MAX] = "hold";
	struct names all = {0};
	int r;

	if (store_is_scanned(s)) {
		forget_ended(s);
		return false;
	}
	if (!is_hold)
		dirs_of_hash(s->scan_at, path);
	s->scan_at++;
	r = names_read(&all, s->config.dirfd, path);
	if (r < 0)
		store_say(s, "cannot read %s: %s", path, strerror(-r));
	for (size_t i = 0; i < all.n; i++)
		look_at(s, scan, names_fd(&all), all.p[i].id,
		    is_hold ? QUEUE_HOLD : QUEUE_DEFERRED, s->scan_at - 1);
	names_done(&all);
	return true;
}
