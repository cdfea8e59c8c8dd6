/* SPDX-License-Identifier: ISC */
/*
 * store_remove - names that go, in sets.  The thread works on one set at a
 * time and stops for whatever else waits for it: a name takes some hundred
 * microseconds where the disk is told at once what is free (discard), and
 * there may be a million.
 *
 * Until a set is through, a segment stays that says why its names go: a file
 * that no record ends any more would be mail again.  Where the journal needs
 * that segment it is said once more at its head.
 */
#include "base/log.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SET_MAX      1000 /* names */
#define FORWARD_SETS 4    /* at a time */

struct removals {
	struct flusher_job job;
	STAILQ_ENTRY(removals) link;
	struct store *store;
	struct journal_hold hold;
	struct forwarding *forwarding; /* NULL: none */
	bool is_ended;     /* their messages are, says the journal */
	size_t n;          /* names */
	struct buf names;  /* paths, each with its NUL */
	size_t at;         /* the thread's: how far it is ... */
	struct buf failed; /* ... and what it could not remove */
	size_t nfailed;
};

/* The ends of a set's messages on their way to the journal's head. */
struct forwarding {
	struct journal_wait wait;
	struct removals *set; /* NULL: through meanwhile */
	struct journal_hold hold;
};

/* "deferred/3f/ID", "hold/ID", "tmp/ID-NONCE" */
static struct str
last_part(const char *path)
{
	return str_from(
	    str_c(path), (size_t)str_find_last(str_c(path), '/') + 1);
}

static struct str
id_of(const char *path)
{
	struct str name = last_part(path), id;

	return str_cut(name, '-', &id, NULL) ? id : name;
}

/* A name in its directory has gone. */
static void
mark_path(struct store *s, const char *path)
{
	struct str dir;

	str_cut(str_c(path), '/', &dir, NULL);
	if (str_eq(dir, STR("tmp")))
		s->dirt.tmp = true;
	else
		store_mark_dirty(s,
		    str_eq(dir, STR("hold")) ? QUEUE_HOLD : QUEUE_DEFERRED,
		    last_part(path));
}

static const char *
next_path(const struct removals *set, size_t *at)
{
	const char *path = set->names.p + *at;

	if (*at == set->names.len)
		return NULL;
	*at += strlen(path) + 1;
	return path;
}

/* ---- sets ---- */

static struct removals *
new_set(struct store *s, bool is_ended)
{
	struct removals *set = calloc(1, sizeof(*set));

	if (set == NULL)
		log_fatal("out of memory for names to be removed");
	set->store = s;
	set->is_ended = is_ended;
	set->hold.is_guard = true;
	buf_init(&set->names, SET_MAX * DIRS_PATH_MAX);
	buf_init(&set->failed, SET_MAX * DIRS_PATH_MAX);
	return set;
}

static void
free_set(struct removals *set)
{
	if (set->forwarding != NULL)
		set->forwarding->set = NULL;
	journal_release(&set->hold);
	buf_done(&set->names);
	buf_done(&set->failed);
	free(set);
}

static void
free_sets(struct removals_list *list)
{
	struct removals *set;

	while ((set = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, link);
		free_set(set);
	}
}

static void
add_name(struct store *s, bool is_ended, const char *path,
    struct journal_segment *segment)
{
	struct removals **at = &s->gathering_names[is_ended];
	struct removals *set = *at;

	if (set == NULL)
		set = *at = new_set(s, is_ended);
	buf_add(&set->names, path, strlen(path) + 1);
	set->n++;
	s->nremovals++;
	if (segment != NULL &&
	    (set->hold.segment == NULL ||
		journal_compare(segment, set->hold.segment) < 0))
		journal_hold(segment, &set->hold);
	if (set->n < SET_MAX)
		return;
	STAILQ_INSERT_TAIL(&s->removals, set, link);
	*at = NULL;
}

void
store_unlink(struct store *s, const char *path, struct journal_segment *segment)
{
	add_name(s, false, path, segment);
}

void
store_unlink_ended(
    struct store *s, const char *path, struct journal_segment *segment)
{
	/* A scan that comes by meanwhile finds no mail there. */
	if (!store_is_scanned(s))
		store_note_ended(s, id_of(path));
	add_name(s, true, path, segment);
}

size_t
store_removals(const struct store *s)
{
	return s->nremovals;
}

/* ---- removing ---- */

static int
run_set(struct flusher_job *job)
{
	struct removals *set = (struct removals *)job;
	const struct store *s = set->store;
	const struct disk *disk = s->config.disk;
	const char *path;

	while ((path = next_path(set, &set->at)) != NULL) {
		int r = disk->unlink(disk->arg, s->config.dirfd, path);

		if (r < 0 && r != -ENOENT) {
			buf_add(&set->failed, path, strlen(path) + 1);
			set->nfailed++;
		}
		if (flusher_is_wanted(s->flusher))
			break;
	}
	return 0;
}

static void
end_set(struct flusher_job *job, int error)
{
	struct removals *set = (struct removals *)job;
	struct store *s = set->store;
	struct buf names = set->names;
	const char *path;
	size_t at = 0;

	(void)error;
	s->removing = NULL;
	if (set->at < set->names.len) {
		STAILQ_INSERT_HEAD(&s->removals, set, link);
		store_start_removals(s);
		return;
	}
	while ((path = next_path(set, &at)) != NULL)
		mark_path(s, path);
	s->nremovals -= set->n - set->nfailed;
	if (set->nfailed == 0) {
		free_set(set);
	} else { /* again at the next tick */
		set->names = set->failed;
		set->failed = names;
		buf_reset(&set->failed);
		set->n = set->nfailed;
		set->nfailed = set->at = 0;
		STAILQ_INSERT_TAIL(&s->failed_removals, set, link);
	}
	store_start_removals(s);
}

static struct removals *
take_set(struct store *s)
{
	struct removals *set = STAILQ_FIRST(&s->removals);

	if (set != NULL)
		STAILQ_REMOVE_HEAD(&s->removals, link);
	for (int i = 0; i < 2 && set == NULL; i++) {
		set = s->gathering_names[i];
		s->gathering_names[i] = NULL;
	}
	return set;
}

void
store_start_removals(struct store *s)
{
	struct removals *set;

	if (s->removing != NULL || s->is_syncing)
		return;
	set = take_set(s);
	if (set == NULL)
		return;
	s->removing = set;
	flusher_submit(s->flusher, FLUSHER_SLOW, &set->job, run_set, end_set);
}

void
store_retry_removals(struct store *s)
{
	STAILQ_CONCAT(&s->removals, &s->failed_removals);
	store_start_removals(s);
}

void
store_drop_removals(struct store *s)
{
	for (int i = 0; i < 2; i++)
		if (s->gathering_names[i] != NULL)
			free_set(s->gathering_names[i]);
	free_sets(&s->removals);
	free_sets(&s->failed_removals);
}

/* ---- the journal needs the segment ---- */

static void
end_forwarding(struct journal_wait *w, int error)
{
	struct forwarding *f = (struct forwarding *)w;

	if (f->set != NULL) {
		f->set->forwarding = NULL;
		if (error == 0)
			journal_hold(f->hold.segment, &f->set->hold);
	}
	journal_release(&f->hold);
	free(f);
}

/* 0 or -errno: nothing will be told. */
static int
append_ends(struct removals *set, struct forwarding *f)
{
	struct journal *j = set->store->journal;
	const char *path;
	size_t at = 0;
	int r = 0;

	while (r == 0 && (path = next_path(set, &at)) != NULL) {
		struct entry_done done = {.id = id_of(path)};
		bool is_last = at == set->names.len;
		struct journal_place place;

		r = journal_append(j, ENTRY_DONE, &done, STR_NONE,
		    JOURNAL_MESSAGE, is_last ? &f->wait : NULL, &place);
		if (r == 0 && f->hold.segment == NULL)
			journal_hold(place.segment, &f->hold);
	}
	return r;
}

static int
forward_set(struct removals *set)
{
	struct forwarding *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		log_fatal("out of memory for the ends of messages");
	f->wait.done = end_forwarding;
	f->hold.is_guard = true;
	f->set = set;
	r = append_ends(set, f);
	if (r == 0) {
		set->forwarding = f;
		return 0;
	}
	journal_release(&f->hold);
	free(f);
	return r;
}

static bool
is_held_by(const struct removals *set, const struct journal_segment *segment)
{
	return set->is_ended && set->forwarding == NULL &&
	       set->hold.segment == segment;
}

void
store_forward_removals(struct store *s, struct journal_segment *segment)
{
	struct removals *set;
	int n = 0;

	STAILQ_FOREACH (set, &s->removals, link)
		if (is_held_by(set, segment) &&
		    (n++ == FORWARD_SETS || forward_set(set) < 0))
			return;
	STAILQ_FOREACH (set, &s->failed_removals, link)
		if (is_held_by(set, segment) &&
		    (n++ == FORWARD_SETS || forward_set(set) < 0))
			return;
}
