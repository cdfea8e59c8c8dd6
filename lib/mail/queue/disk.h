/* SPDX-License-Identifier: ISC */
/*
 * disk - the calls by which the queue changes what is on stable storage.
 *
 * A table, so that a test can make any of them fail, count them, or record
 * them and replay every state that a power cut could leave.  All return 0
 * (open: a descriptor) or -errno.  Writes are whole or failed.  A descriptor
 * whose flush failed is never flushed or trusted again.
 */
#ifndef MAIL_QUEUE_DISK_H
#define MAIL_QUEUE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct disk {
	int (*open)(void *arg, int dirfd, const char *path, int flags);
	int (*write)(void *arg, int fd, const void *bytes, size_t n, off_t at);
	int (*flush)(void *arg, int fd); /* data and what reading it needs */
	int (*sync_dir)(void *arg, int dirfd, const char *path);
	/* All that was written to dirfd's file system by anyone, and all names
	 * there, by one call; but the device may still have some of it in its
	 * cache (an ext4 without a journal) until a flush or sync_dir that
	 * follows.  For where has_sync_all says that it reports errors. */
	int (*sync_all)(void *arg, int dirfd);
	bool (*has_sync_all)(void *arg, int dirfd);
	int (*rename)(void *arg, int dirfd, const char *from, const char *to);
	int (*unlink)(void *arg, int dirfd, const char *path);
	void *arg;
};

extern const struct disk disk_real;

#endif
