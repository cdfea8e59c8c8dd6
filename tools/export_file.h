/* SPDX-License-Identifier: ISC */
/*
 * export_file - a queued message as a file of its own, for another host.
 *
 *	Valija export 1
 *	head=412 sha256=...
 *	content=1234 sha256=...
 *	id=4Zk2lD1nB7zKpQ9xy		a struct export_head, as
 *	host=mx.a.example		base/shape_text.h has it
 *	...
 *	From: ...			the content as it is
 *
 * Behind the content stands what was done with the file, a line each:
 *
 *	importing host=mx.b.example at=1764000000
 *	imported as=4Zk... host=mx.b.example at=1764000000
 *
 * The first without the second: nobody knows whether that queue took it.
 *
 * Only what is whole and has both checks is a message; a file of a later
 * version is refused by its first line, or by a field that is not known.
 */
#ifndef TOOLS_EXPORT_FILE_H
#define TOOLS_EXPORT_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/content.h"
#include "mail/envelope.h"

#include <sys/types.h>

#define EXPORT_FILE_SUFFIX ".valija"

struct export_head {
	struct str id;            /* in the queue it came from */
	struct str host;          /* whose queue that was */
	int64_t exported;         /* wall clock, ns */
	uint64_t held;            /* it was on hold there */
	uint64_t attempts;        /* so many were made */
	struct envelope envelope; /* of recipients that are not done */
};

/*
 * Write ID.valija in the directory: whole and flushed, or not at all; the
 * name is durable after dir_sync().  One that is there is replaced if it is
 * the same message.  0; -EEXIST: another file has the name; or -errno.
 */
int export_file_write(
    int dirfd, const struct export_head *h, struct content *content);

struct export_file {
	int fd;
	bool is_writable;
	struct arena arena;
	struct buf bytes; /* of the head */
	struct export_head head;
	off_t content_at, end; /* of the content */
	struct buf marks;      /* what stands behind it */
};

/*
 * Open and check all of it; it is locked until it is closed.  0; -EPROTO: not
 * such a file, or damaged; -EPROTONOSUPPORT: of a later version; -EBUSY:
 * somebody else has it open; or -errno; with `why`.
 */
int export_file_open(
    int dirfd, const char *path, struct export_file *ret, struct buf *why);
void export_file_close(struct export_file *f);

/* Its content in memory; NULL with errno. */
struct content *export_file_content(const struct export_file *f);

/* Note in the file, durably, that it is being imported; that it was; that it
 * was not after all.  0 or -errno. */
int export_file_begin(struct export_file *f, struct str host);
int export_file_mark(struct export_file *f, struct str id, struct str host);
int export_file_undo(struct export_file *f);

#endif
