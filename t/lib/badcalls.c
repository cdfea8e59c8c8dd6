/* SPDX-License-Identifier: ISC */
/*
 * badcalls - a disk that fails: of each kind of call every nth fails with an
 * error.  Preloaded; the test steers and counts through a page of a file that
 * is shared, mapped before the program shuts itself in: $BADCALLS names it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct call {
	uint32_t every; /* 0: never */
	int32_t error;
	uint32_t calls, failed;
	uint32_t most; /* that shall fail */
};
enum {
	FLUSH,
	WRITE,
	RENAME,
	CLOSE,
	APPEND
};

static struct call *calls;

__attribute__((constructor)) static void
map(void)
{
	const char *path = getenv("BADCALLS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (calls == MAP_FAILED)
		abort();
	close(fd);
}

static int
fails(int kind)
{
	struct call *c = calls == NULL ? NULL : &calls[kind];
	uint32_t every = c == NULL ? 0 : __atomic_load_n(&c->every, 5);

	if (every == 0 || __atomic_add_fetch(&c->calls, 1, 5) % every != 0)
		return 0;
	if (__atomic_add_fetch(&c->failed, 1, 5) > c->most) {
		__atomic_sub_fetch(&c->failed, 1, 5);
		return 0;
	}
	errno = c->error;
	return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int
fsync(int fd)
{
	return fails(FLUSH) ? -1 : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
	return fails(FLUSH) ? -1 : REAL(fdatasync)(fd);
}

int
syncfs(int fd)
{
	return fails(FLUSH) ? -1 : REAL(syncfs)(fd);
}

/* Of mailbox files, which no other is opened like: half of it is there. */
ssize_t
write(int fd, const void *p, size_t n)
{
	int flags = calls == NULL ? 0 : fcntl(fd, F_GETFL);

	if ((flags & (O_ACCMODE | O_APPEND)) == (O_RDWR | O_APPEND) &&
	    fails(APPEND)) {
		int error = errno;

		(void)!REAL(write)(fd, p, n / 2);
		errno = error;
		return -1;
	}
	return REAL(write)(fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(WRITE) ? -1 : REAL(pwrite)(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return fails(WRITE) ? -1 : REAL(pwrite64)(fd, p, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return fails(WRITE) ? -1 : REAL(pwritev64)(fd, v, n, at);
}

int
renameat(int a, const char *from, int b, const char *to)
{
	return fails(RENAME) ? -1 : REAL(renameat)(a, from, b, to);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	return fails(RENAME) ? -1 : REAL(renameat2)(a, from, b, to, flags);
}

/* Of files that were written: the descriptor is gone, as close(2) has it. */
int
close(int fd)
{
	struct stat st;
	int is_file = calls != NULL && fstat(fd, &st) == 0 &&
	              S_ISREG(st.st_mode) && st.st_size > 0;
	int r = REAL(close)(fd);

	return is_file && fails(CLOSE) ? -1 : r;
}
