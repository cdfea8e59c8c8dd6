/* SPDX-License-Identifier: ISC */
/* disk - the real one.  Owns nothing. */
#include "mail/queue/disk.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MODE 0600

static int
real_open(void *arg, int dirfd, const char *path, int flags)
{
	int fd = openat(dirfd, path, flags | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

static int
real_write(void *arg, int fd, const void *bytes, size_t n, off_t at)
{
	const char *p = bytes;

	(void)arg;
	while (n > 0) {
		ssize_t w = pwrite(fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

static int
real_flush(void *arg, int fd)
{
	(void)arg;
	return fdatasync(fd) < 0 ? -errno : 0;
}

static int
real_sync_dir(void *arg, int dirfd, const char *path)
{
	FD_CLEANUP int fd =
	    openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)arg;
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int
real_sync_all(void *arg, int dirfd)
{
	(void)arg;
	return syncfs(dirfd) < 0 ? -errno : 0;
}

static bool
real_has_sync_all(void *arg, int dirfd)
{
	(void)arg;
	return fd_has_syncfs(dirfd);
}

static int
real_rename(void *arg, int dirfd, const char *from, const char *to)
{
	(void)arg;
	return renameat(dirfd, from, dirfd, to) < 0 ? -errno : 0;
}

static int
real_unlink(void *arg, int dirfd, const char *path)
{
	(void)arg;
	return unlinkat(dirfd, path, 0) < 0 ? -errno : 0;
}

const struct disk disk_real = {
    .open = real_open,
    .write = real_write,
    .flush = real_flush,
    .sync_dir = real_sync_dir,
    .sync_all = real_sync_all,
    .has_sync_all = real_has_sync_all,
    .rename = real_rename,
    .unlink = real_unlink,
};
