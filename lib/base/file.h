/* SPDX-License-Identifier: ISC */
/*
 * file - what every user of files needs and gets wrong.
 *
 * All calls return 0 or -errno (a descriptor or -errno where said).  All
 * descriptors made here are close-on-exec.  Short reads and writes and EINTR
 * are handled.  Nothing is retried after a failed flush: a descriptor whose
 * fsync failed is dead.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

void fd_close(int *fd); /* closes and sets to -1; for cleanup */
#define FD_CLEANUP __attribute__((cleanup(fd_close)))

int fd_nonblock(int fd);
int fd_write_all(int fd, const void *bytes, size_t n);
int fd_pwritev_all(int fd, struct iovec *iov, int n, off_t at); /* eats iov */
int fd_pread_all(int fd, void *bytes, size_t n, off_t at); /* -ENODATA: short */

/* The whole file into `b`; -EMSGSIZE when it is longer than b->max. */
int file_read(int dirfd, const char *path, struct buf *b);
int fd_read_rest(int fd, struct buf *b);
/* All of it from its front, with explicit offsets: for a descriptor whose
 * offset is shared with others.  -EMSGSIZE as above. */
int fd_read_whole(int fd, struct buf *b);

int dir_sync(int dirfd);

/* syncfs(2) is known to report there what could not be written: ext4, xfs,
 * btrfs. */
bool fd_has_syncfs(int fd);

/* A file system of this host alone, as far as is known: what other hosts may
 * share as well (NFS, FUSE ...) is none, nor what we do not know. */
bool fd_is_local(int fd);

/*
 * Put `bytes` under `name` so that a reader, also after a power cut, sees
 * the old file or the new one: temporary name, fsync, rename, fsync of the
 * directory.
 */
int file_replace(int dirfd, const char *name, struct str bytes, mode_t mode);

/* A sealed memfd holding `bytes`: nobody can change it any more. */
int memfd_sealed(const char *name, struct str bytes);

#endif
