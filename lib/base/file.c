/* SPDX-License-Identifier: ISC */
/* file - whole reads, whole writes, atomic replacement.  Owns nothing. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define READ_BLOCK (64 * 1024)

/* linux/magic.h has the first, as ext2's; not all others. */
#define EXT4    0xEF53
#define XFS     0x58465342
#define BTRFS   0x9123683E
#define TMPFS   0x01021994
#define OVERLAY 0x794C7630
#define ZFS     0x2FC12FC1
#define F2FS    0xF2F52010

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
fd_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Take `done` bytes off the front of the vector. */
static void
advance(struct iovec **iov, int *n, size_t done)
{
	while (*n > 0 && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

int
fd_pwritev_all(int fd, struct iovec *iov, int n, off_t at)
{
	advance(&iov, &n, 0);
	while (n > 0) {
		ssize_t w = pwritev(fd, iov, n < IOV_MAX ? n : IOV_MAX, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		at += w;
		advance(&iov, &n, (size_t)w);
	}
	return 0;
}

int
fd_pread_all(int fd, void *bytes, size_t n, off_t at)
{
	char *p = bytes;

	while (n > 0) {
		ssize_t r = pread(fd, p, n, at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENODATA;
		p += r;
		n -= (size_t)r;
		at += r;
	}
	return 0;
}

/* At *at, which goes on; NULL: at the descriptor's place. */
static ssize_t
read_some(int fd, off_t *at, char *p, size_t n)
{
	ssize_t r;

	do {
		r = at == NULL ? read(fd, p, n) : pread(fd, p, n, *at);
	} while (r < 0 && errno == EINTR);
	if (r > 0 && at != NULL)
		*at += r;
	return r < 0 ? -errno : r;
}

/* SECURITY: it may be a secret: into the buffer, and nowhere else. */
static int
read_all(int fd, off_t *at, struct buf *b)
{
	for (;;) {
		size_t want = b->max - b->len;
		char more;
		ssize_t r;

		if (want == 0) {
			r = read_some(fd, at, &more, 1);
			return r > 0 ? -EMSGSIZE : (int)r;
		}
		want = want < READ_BLOCK ? want : READ_BLOCK;
		r = read_some(fd, at, buf_room(b, want), want);
		if (r <= 0)
			return (int)r;
		buf_grew(b, (size_t)r);
	}
}

int
fd_read_rest(int fd, struct buf *b)
{
	return read_all(fd, NULL, b);
}

int
fd_read_whole(int fd, struct buf *b)
{
	off_t at = 0;

	return read_all(fd, &at, b);
}

int
file_read(int dirfd, const char *path, struct buf *b)
{
	FD_CLEANUP int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_read_rest(fd, b);
}

int
dir_sync(int dirfd)
{
	return fsync(dirfd) < 0 ? -errno : 0;
}

/* -1: not known. */
static long
file_system(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 ? -1 : (long)fs.f_type;
}

bool
fd_has_syncfs(int fd)
{
	long type = file_system(fd);

	return type == EXT4 || type == XFS || type == BTRFS;
}

bool
fd_is_local(int fd)
{
	static const long types[] = {
	    EXT4, XFS, BTRFS, TMPFS, OVERLAY, ZFS, F2FS};
	long type = file_system(fd);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type == types[i])
			return true;
	return false;
}

static int
write_durable(int fd, struct str bytes, mode_t mode)
{
	int r = fd_write_all(fd, bytes.p, bytes.len);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int
file_replace(int dirfd, const char *name, struct str bytes, mode_t mode)
{
	char tmp[NAME_MAX + 1];
	int fd, r;

	if (snprintf(tmp, sizeof(tmp), ".%s.%d.tmp", name, (int)getpid()) >=
	    (int)sizeof(tmp))
		return -ENAMETOOLONG;
	fd = openat(dirfd, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_durable(fd, bytes, mode);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r == 0)
		return dir_sync(dirfd);
	unlinkat(dirfd, tmp, 0);
	return r;
}

int
memfd_sealed(const char *name, struct str bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, bytes.p, bytes.len);
	if (r == 0 &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
