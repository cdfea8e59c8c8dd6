/* SPDX-License-Identifier: ISC */
/*
 * replay - records are applied in the order in which they were written; every
 * rule here is a row of doc/queue.md section 4.
 */
#include "mail/queue/replay.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAX (64 * 1024 * 1024)

static void say(const struct replay *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const struct replay *r, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (r->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->say(r->arg, text);
}

static struct survivor *
get_survivor(struct replay *r, struct str id)
{
	struct survivor *s = map_get(&r->survivors, id);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		log_fatal("out of memory for a message of the journal");
	memcpy(s->id, id.p, id.len);
	map_put(&r->survivors, str_c(s->id), s);
	return s;
}

static void
free_survivor(struct survivor *s)
{
	free(s->done);
	free(s->spoken);
	free(s);
}

static void
add_spoken(struct survivor *s, const struct journal_place *at)
{
	size_t n = s->nspoken;

	/* Powers of two: grown when the count is one. */
	if ((n & (n - 1)) == 0) {
		s->spoken = reallocarray(
		    s->spoken, n == 0 ? 1 : 2 * n, sizeof(*s->spoken));
		if (s->spoken == NULL)
			log_fatal("out of memory for %zu statuses", n);
	}
	s->spoken[s->nspoken++] = *at;
}

static void
finish_one(struct survivor *s, uint64_t index)
{
	if (index >= s->recipients || s->done[index])
		return;
	s->done[index] = 1;
	s->left--;
}

static void
apply_marks(struct survivor *s, const struct entry_marks *about)
{
	const struct mark *m = about->marks.p;

	for (size_t i = 0; i < about->marks.n; i++)
		if (m[i].done)
			finish_one(s, m[i].index);
	for (size_t i = 0; i < entry_done_count(about->done); i++)
		finish_one(s, entry_done_at(about->done, i));
	if (s->recipients > 0 && s->left == 0)
		s->finished = true;
}

/* The record at `at` holds marks about a message: of a status, or of the
 * parent of what the record makes. */
static bool
speak(struct replay *r, const struct entry_marks *about,
    const struct journal_place *at)
{
	struct survivor *s;

	if (!dirs_is_id(about->id))
		return false;
	s = get_survivor(r, about->id);
	add_spoken(s, at);
	apply_marks(s, about);
	return true;
}

static bool
take_message(struct replay *r, const struct entry_message *m,
    const struct journal_place *at)
{
	size_t n = m->envelope.recipients.n;
	struct survivor *s;

	if (!dirs_is_id(m->envelope.id) || n == 0)
		return false;
	s = get_survivor(r, m->envelope.id);
	s->place = *at;
	s->moved = false;
	if (s->recipients == 0) {
		s->done = calloc(n, 1);
		if (s->done == NULL)
			log_fatal("out of memory for %zu recipients", n);
		s->recipients = s->left = n;
	}
	return str_is_empty(m->parent.id) || speak(r, &m->parent, at);
}

static bool
take_moved(struct replay *r, const struct entry_moved *m,
    const struct journal_place *at)
{
	struct survivor *s;

	if (!dirs_is_id(m->id))
		return false;
	s = get_survivor(r, m->id);
	s->moved = true;
	s->queue = (enum entry_queue)m->queue;
	s->nonce = (uint32_t)m->nonce;
	return str_is_empty(m->parent.id) || speak(r, &m->parent, at);
}

union entry {
	struct entry_message message;
	struct entry_status status;
	struct entry_moved moved;
	struct entry_done done;
	struct entry_generation generation;
	struct entry_refused refused;
};

/* False: the record is not what it should be. */
static bool
take_entry(struct replay *r, enum entry_type type, const union entry *e,
    const struct journal_place *at)
{
	switch (type) {
	case ENTRY_MESSAGE:
		return take_message(r, &e->message, at);
	case ENTRY_STATUS:
		return speak(r, &e->status.about, at);
	case ENTRY_MOVED:
		return take_moved(r, &e->moved, at);
	case ENTRY_DONE:
		if (!dirs_is_id(e->done.id))
			return false;
		get_survivor(r, e->done.id)->finished = true;
		return true;
	case ENTRY_GENERATION:
		if (e->generation.below > r->generation)
			r->generation = e->generation.below;
		return true;
	case ENTRY_REFUSED: /* the journal heeds it */
	case ENTRY_TYPES:
		return true;
	}
	return false;
}

/* For a person: the bytes as they were found. */
static void
put_aside(const struct replay *r, uint64_t sequence, uint32_t offset,
    struct str bytes)
{
	char name[64], path[DIRS_PATH_MAX + 64];
	int fd;

	snprintf(name, sizeof(name), "journal-%" PRIu64 "-%" PRIu32, sequence,
	    offset);
	snprintf(path, sizeof(path), "corrupt/%s", name);
	fd = r->disk->open(
	    r->disk->arg, r->dirfd, path, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return;
	r->disk->write(r->disk->arg, fd, bytes.p, bytes.len, 0);
	close(fd);
}

static void
note_bad(void *arg, uint64_t sequence, uint32_t offset, struct str bytes,
    bool is_tail)
{
	struct replay *r = arg;

	put_aside(r, sequence, offset, bytes);
	if (is_tail) {
		r->tails++;
		say(r,
		    "journal %" PRIu64 ": %zu bytes at %" PRIu32
		    " were not written to the end when the system stopped: "
		    "put into corrupt/",
		    sequence, bytes.len, offset);
		return;
	}
	r->bad++;
	say(r,
	    "journal %" PRIu64 ": %zu bytes at %" PRIu32
	    " are damaged: put into corrupt/",
	    sequence, bytes.len, offset);
}

static int
take_record(
    void *arg, const struct journal_place *at, const struct record *record)
{
	ARENA_CLEANUP struct arena a = {0};
	struct replay *r = arg;
	union entry e;
	const char *why;

	if (entry_shape(record->type) == NULL) {
		say(r,
		    "journal %" PRIu64 " holds a record of type %" PRIu32
		    ", which this version does not know; nothing was changed",
		    journal_sequence(at->segment), record->type);
		return -EPROTONOSUPPORT;
	}
	r->records++;
	arena_init(&a, entry_arena_max(record->payload.len));
	if (entry_decode(record->type, record->payload, &a, &e, NULL, &why) <
		0 ||
	    !take_entry(r, record->type, &e, at))
		note_bad(r, journal_sequence(at->segment), at->offset,
		    record->payload, false);
	return 0;
}

int
replay_run(struct replay *r)
{
	struct journal_replay walk = {
	    .each = take_record, .bad = note_bad, .arg = r};

	map_init(&r->survivors);
	r->generation = journal_generation(r->journal);
	return journal_replay(r->journal, &walk);
}

static bool
is_there(const struct replay *r, const char *path)
{
	struct stat st;

	return fstatat(r->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* It gets the name that its record says; one that it had elsewhere goes. */
static int
give_name(const struct replay *r, const struct survivor *s, const char *from)
{
	char path[DIRS_PATH_MAX];
	int error;

	dirs_path(s->queue, str_c(s->id), path);
	error = r->disk->rename(r->disk->arg, r->dirfd, from, path);
	for (int q = 0; error == 0 && q < QUEUE_PLACES; q++) {
		if (s->queue == (enum entry_queue)q)
			continue;
		dirs_path((enum entry_queue)q, str_c(s->id), path);
		r->disk->unlink(r->disk->arg, r->dirfd, path);
	}
	return error;
}

/*
 * Find the file.  One in tmp/ that a record made true gets its name: it is
 * whole, and newer than one that already has it.
 */
static int
find_file(const struct replay *r, struct survivor *s)
{
	char path[DIRS_PATH_MAX];

	dirs_tmp_path(str_c(s->id), s->nonce, path);
	if (s->moved && is_there(r, path))
		return give_name(r, s, path);
	for (int q = 0; q < QUEUE_PLACES; q++) {
		dirs_path((enum entry_queue)q, str_c(s->id), path);
		if (!is_there(r, path))
			continue;
		if (s->moved && s->queue != (enum entry_queue)q)
			return give_name(r, s, path);
		s->moved = true;
		s->queue = (enum entry_queue)q;
		return 0;
	}
	return -ENOENT;
}

/* Does it live?  Negative: the disk does not say. */
static int
settle_one(struct replay *r, struct survivor *s)
{
	int error;

	if (s->finished && s->place.segment != NULL && !s->moved)
		return 0;
	if (s->finished) {
		r->ended(r->arg, str_c(s->id));
		return 0;
	}
	if (s->place.segment != NULL && !s->moved)
		return 1;
	error = find_file(r, s);
	if (error < 0 && error != -ENOENT)
		return error;
	if (error == 0 || s->place.segment != NULL) {
		s->moved = error == 0;
		return 1;
	}
	if (s->moved)
		say(r, "%s: its file is missing", s->id);
	return 0; /* only spoken of: it was finished, its record has left */
}

/* What no record made true. */
static int
clear_tmp(const struct replay *r)
{
	int fd = openat(r->dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char path[NAME_MAX + 8];
	struct dirent *e;

	if (dir == NULL) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tmp/%s", e->d_name);
		r->disk->unlink(r->disk->arg, r->dirfd, path);
	}
	closedir(dir);
	return 0;
}

int
replay_settle(struct replay *r)
{
	struct map all = r->survivors;
	int error = 0;

	map_init(&r->survivors);
	MAP_FOREACH (slot, &all) {
		struct survivor *s = slot->value;
		int lives = error < 0 ? error : settle_one(r, s);

		if (lives < 0)
			error = lives;
		if (lives > 0)
			map_put(&r->survivors, str_c(s->id), s);
		else
			free_survivor(s);
	}
	map_done(&all);
	return error < 0 ? error : clear_tmp(r);
}

void
replay_done(struct replay *r)
{
	MAP_FOREACH (slot, &r->survivors)
		free_survivor(slot->value);
	map_done(&r->survivors);
}

/* The marks an entry holds; NULL: none. */
static const struct entry_marks *
marks_of(enum entry_type type, const union entry *e)
{
	switch (type) {
	case ENTRY_MESSAGE:
		return &e->message.parent;
	case ENTRY_STATUS:
		return &e->status.about;
	case ENTRY_MOVED:
		return &e->moved.parent;
	case ENTRY_DONE:
	case ENTRY_GENERATION:
	case ENTRY_REFUSED:
	case ENTRY_TYPES:
		break;
	}
	return NULL;
}

int
replay_apply(struct journal *j, const struct journal_place *at, struct str id,
    struct progress *p)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf b = {0};
	struct record record;
	const struct entry_marks *about;
	union entry e;
	const char *why;
	bool is_status;
	int error;

	arena_init(&a, entry_arena_max(at->length));
	buf_init(&b, RECORD_MAX);
	error = journal_read(j, at, &b, &record);
	if (error < 0)
		return error;
	if (entry_decode(record.type, record.payload, &a, &e, NULL, &why) < 0)
		return -EBADMSG;
	about = marks_of(record.type, &e);
	if (about == NULL || !str_eq(about->id, id))
		return -EBADMSG;
	is_status = record.type == ENTRY_STATUS;
	progress_apply(p, is_status ? e.status.attempts : p->attempts,
	    is_status ? e.status.next : p->next, about);
	return 0;
}
