/* SPDX-License-Identifier: ISC */
/*
 * queue_file - one message as a file: what waits, and what is too large for
 * the journal.
 *
 *	header     version, sizes, checks
 *
 *	save, note progress (attempts, next attempt, each recipient's state
 *	           and last outcome) in two slots: the newer whole one counts
 *
 *	envelope
 *
 *	content    to the end, as it would stand in a mailbox
 *
 * A slot is overwritten in place, so that a full disk cannot keep a state
 * from being written down.  A note is not flushed and may be lost; while it is
 * written the saved state is whole on disk, and while that is written the
 * note is: at every moment one slot is durable.  The file's mtime is the next
 * attempt: an index, never the truth.
 *
 * Errors: -EPROTONOSUPPORT, a version that is not known: leave the file;
 * -EBADMSG, it is not what was written: to corrupt/; other: the disk's.
 */
#ifndef MAIL_QUEUE_QUEUE_FILE_H
#define MAIL_QUEUE_QUEUE_FILE_H

#include "base/arena.h"
#include "mail/content.h"
#include "mail/envelope.h"
#include "mail/queue/disk.h"
#include "mail/queue/progress.h"

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_FILE_VERSION 2

struct queue_file {
	uint32_t slot_size;
	uint32_t envelope_size;
	uint32_t recipients;
	uint64_t content_size;
	uint32_t envelope_crc;
	uint32_t content_crc;
	uint64_t serial; /* of the newest slot */
};

/* A file about to be written: what goes before the content.  Made on the
 * loop, written on the flusher's thread. */
struct queue_file_draft {
	struct queue_file file;
	struct buf front;
	int64_t next; /* the file's mtime */
};
int queue_file_draft(const struct envelope *e, const struct progress *p,
    struct queue_file_draft *ret);
void queue_file_draft_done(struct queue_file_draft *d);

/* Create `path` with the draft and `content` (NULL: none), and flush it, or
 * leave that to the caller, whose directory is to sync too.  What failed is
 * unlinked. */
int queue_file_write(const struct disk *disk, int dirfd, const char *path,
    struct queue_file_draft *d, const struct content *content, bool flushes);

/*
 * Read header, envelope and progress (made here, in `a`, whose ceiling
 * becomes what such a file can need) from `fd`.  *ret_why (on error) is one
 * phrase.
 */
int queue_file_read(int fd, struct arena *a, struct queue_file *ret,
    struct envelope *ret_envelope, struct progress *ret_progress,
    const char **ret_why);

/* The content, checked. */
int queue_file_content(
    int fd, const struct queue_file *f, struct content **ret);

/* Write `p` down, not flushed. */
int queue_file_note(const struct disk *disk, int fd, const struct queue_file *f,
    const struct progress *p);
/* Write `p` down, flushed.  After an error the file is to be written anew:
 * no note may follow. */
int queue_file_save(const struct disk *disk, int fd, const struct queue_file *f,
    const struct progress *p);

#endif
