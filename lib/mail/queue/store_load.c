/* SPDX-License-Identifier: ISC */
/*
 * store_load - reading a message back: its record or its file, then the
 * statuses that the journal holds about it.
 */
#include "mail/queue/store_impl.h"

#include "base/file.h"
#include "base/log.h"
#include "mail/queue/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define RECORD_MAX (64 * 1024 * 1024)

static struct store_body *
new_body(size_t arena_max)
{
	struct store_body *b = calloc(1, sizeof(*b));

	if (b == NULL)
		log_fatal("out of memory for a message");
	arena_init(&b->arena, arena_max);
	buf_init(&b->bytes, RECORD_MAX);
	return b;
}

/* Reads the record; *ret_content borrows from the body's bytes. */
static int
read_record(struct store *s, const struct store_item *item,
    struct store_body *b, struct str *ret_content, const char **ret_why)
{
	struct entry_message e;
	struct record r;
	int error = journal_read(s->journal, &item->place, &b->bytes, &r);

	*ret_why = error == -EBADMSG ? "its record is damaged"
	                             : "its record cannot be read";
	if (error < 0)
		return error;
	if (r.type != ENTRY_MESSAGE ||
	    entry_decode(
		r.type, r.payload, &b->arena, &e, ret_content, ret_why) < 0)
		return -EBADMSG;
	b->envelope = e.envelope;
	return 0;
}

static int
load_record(struct store *s, const struct store_item *item,
    struct store_body *b, const char **ret_why)
{
	struct str content;
	size_t n = item->place.length;
	int r;

	b->arena.max = entry_arena_max(n) + progress_arena_max(n / 64 + 1);
	r = read_record(s, item, b, &content, ret_why);
	if (r < 0)
		return r;
	progress_init(&b->progress, b->envelope.recipients.n, &b->arena);
	b->content = content_from_str(content);
	*ret_why = "no memory for its content";
	return b->content == NULL ? -errno : 0;
}

int
store_open_file(const struct store *s, const struct store_item *item, int flags)
{
	char path[DIRS_PATH_MAX];
	int fd = -1;

	/* Our own: nobody asks when it was read. */
	flags |= O_CLOEXEC | O_NOFOLLOW | O_NOATIME;
	if (item->in_tmp) {
		dirs_tmp_path(str_c(item->id), item->nonce, path);
		fd = openat(s->config.dirfd, path, flags);
	}
	if (fd < 0) { /* or it was given its name meanwhile */
		dirs_path((enum entry_queue)item->queue, str_c(item->id), path);
		fd = openat(s->config.dirfd, path, flags);
	}
	return fd < 0 ? -errno : fd;
}

static int
read_file(const struct store_item *item, int fd, struct store_body *b,
    const char **ret_why)
{
	int r = queue_file_read(
	    fd, &b->arena, &b->file, &b->envelope, &b->progress, ret_why);
	if (r < 0)
		return r;
	*ret_why = "it is about another message";
	return str_eq(b->envelope.id, str_c(item->id)) ? 0 : -EBADMSG;
}

static int
load_file(struct store *s, const struct store_item *item, struct store_body *b,
    const char **ret_why)
{
	FD_CLEANUP int fd = store_open_file(s, item, O_RDONLY);

	*ret_why = "its file cannot be opened";
	return fd < 0 ? fd : read_file(item, fd, b, ret_why);
}

/* `b` was read, but for `r` < 0: with the first `nspoken` of the statuses. */
static int
end_load(struct store *s, const struct store_item *item, uint32_t nspoken,
    int r, struct store_body *b, struct store_body **ret, const char **ret_why)
{
	for (uint32_t i = 0; r == 0 && i < nspoken; i++) {
		*ret_why = "a status of it is damaged";
		r = replay_apply(s->journal, &item->spoken[i], str_c(item->id),
		    &b->progress);
	}
	if (r < 0) {
		store_body_free(&b);
		return r;
	}
	*ret = b;
	return 0;
}

static int
load(struct store *s, struct store_item *item, uint32_t nspoken,
    struct store_body **ret, const char **ret_why)
{
	struct store_body *b = new_body(0);
	int r = item->where == STORE_FILE ? load_file(s, item, b, ret_why)
	                                  : load_record(s, item, b, ret_why);

	return end_load(s, item, nspoken, r, b, ret, ret_why);
}

int
store_load_from(struct store *s, struct store_item *item, int fd,
    struct store_body **ret, const char **ret_why)
{
	struct store_body *b = new_body(0);
	int r = read_file(item, fd, b, ret_why);

	return end_load(s, item, item->nspoken, r, b, ret, ret_why);
}

int
store_load(struct store *s, struct store_item *item, struct store_body **ret,
    const char **ret_why)
{
	return load(s, item, item->nspoken, ret, ret_why);
}

int
store_load_durable(struct store *s, struct store_item *item,
    struct store_body **ret, uint32_t *ret_nspoken, const char **ret_why)
{
	uint32_t n = 0;

	*ret_why = "not durable yet";
	if (item->where == STORE_NOWHERE ||
	    (item->where == STORE_JOURNAL && !journal_is_durable(&item->place)))
		return -EBUSY;
	/* One that failed and is not forgotten yet ends the row. */
	while (n < item->nspoken && journal_is_durable(&item->spoken[n]))
		n++;
	*ret_nspoken = n;
	return load(s, item, n, ret, ret_why);
}

int
store_content(struct store *s, struct store_item *item, struct store_body *body)
{
	struct store_body *again;
	const char *why;
	int fd, r;

	if (body->content != NULL)
		return 0;
	if (item->where == STORE_FILE) {
		fd = store_open_file(s, item, O_RDONLY);
		if (fd < 0)
			return fd;
		/* It may have been moved since the body was made. */
		r = body->file.slot_size == 0
		        ? -ESTALE
		        : queue_file_content(fd, &body->file, &body->content);
		fd_close(&fd);
		if (r != -ESTALE)
			return r;
	}
	r = store_load(s, item, &again, &why);
	if (r < 0)
		return r;
	body->file = again->file;
	body->content = again->content;
	again->content = NULL;
	store_body_free(&again);
	return body->content == NULL ? store_content(s, item, body) : 0;
}

void
store_rest(struct store *s, struct store_item *item, struct store_body *body)
{
	const struct disk *disk = s->config.disk;
	struct store_body *again = NULL;
	const char *why;
	int fd;

	item->in_use = false;
	/* What cannot be noted is lost: an attempt earlier than planned. */
	if (item->where != STORE_FILE || item->move != NULL ||
	    item->is_doubtful)
		return;
	if (body->file.slot_size == 0) { /* it moved since it was loaded */
		if (store_load(s, item, &again, &why) < 0)
			return;
		body->file = again->file;
		store_body_free(&again);
	}
	fd = store_open_file(s, item, O_RDWR);
	if (fd < 0)
		return;
	(void)queue_file_note(disk, fd, &body->file, &body->progress);
	fd_close(&fd);
}

void
store_put_aside(struct store *s, struct store_item *item)
{
	const struct disk *disk = s->config.disk;
	char from[DIRS_PATH_MAX], to[DIRS_PATH_MAX];

	if (item->where == STORE_FILE) {
		dirs_path((enum entry_queue)item->queue, str_c(item->id), from);
		dirs_corrupt_path(str_c(item->id), to);
		if (item->in_tmp)
			dirs_tmp_path(str_c(item->id), item->nonce, from);
		disk->rename(disk->arg, s->config.dirfd, from, to);
		store_mark_dirty(
		    s, (enum entry_queue)item->queue, str_c(item->id));
	}
	store_write_done(s, str_c(item->id), item->hold.segment);
	store_forget(item);
}
