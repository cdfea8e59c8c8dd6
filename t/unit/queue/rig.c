/* SPDX-License-Identifier: ISC */
/* rig - see rig.h. */
#include "rig.h"

#include "base/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR     512
#define INODES_MAX 20000

unsigned
rig_random(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 8) % below;
}

struct str
rig_text(struct arena *a, size_t n, unsigned seed)
{
	char *p = arena_alloc(a, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] =
		    i % 60 == 59 ? '\n' : (char)('a' + rig_random(&seed, 26));
	return str_n(p, n);
}

static bool
fails(struct rig *r, enum rig_call call)
{
	r->calls[call]++;
	if (r->fail_after[call] < 0)
		return false;
	if (r->fail_after[call] > 0) {
		r->fail_after[call]--;
		return false;
	}
	if (r->fail_once)
		r->fail_after[call] = -1;
	return true;
}

static struct rig_op *
record(struct rig *r, enum rig_call call)
{
	struct rig_op *op;

	if (!r->recording)
		return NULL;
	if (r->nops == r->cap) {
		r->cap = r->cap == 0 ? 1024 : r->cap * 2;
		r->ops = realloc(r->ops, r->cap * sizeof(*r->ops));
		assert(r->ops != NULL);
	}
	op = &r->ops[r->nops++];
	*op = (struct rig_op){.call = call};
	return op;
}

/* Which of the files that were made it is; the latest with its number. */
static int
inode_of(const struct rig *r, int fd)
{
	struct stat st;

	assert(fstat(fd, &st) == 0);
	for (int i = r->inodes; i > 0; i--)
		if (r->inos[i] == st.st_ino)
			return i;
	return 0;
}

static int
rig_open(void *arg, int dirfd, const char *path, int flags)
{
	struct rig *r = arg;
	struct rig_op *op;
	int fd;
	bool is_new = faccessat(dirfd, path, F_OK, 0) < 0;
	struct stat st;

	if (fails(r, RIG_OPEN))
		return -r->error;
	fd = disk_real.open(NULL, dirfd, path, flags);
	if (fd < 0 || !is_new)
		return fd;
	assert(fstat(fd, &st) == 0 && r->inodes + 1 < INODES_MAX);
	r->inos[++r->inodes] = st.st_ino;
	op = record(r, RIG_OPEN);
	if (op != NULL) {
		op->inode = r->inodes;
		snprintf(op->path, sizeof(op->path), "%s", path);
	}
	return fd;
}

static int
rig_write(void *arg, int fd, const void *bytes, size_t n, off_t at)
{
	struct rig *r = arg;
	struct rig_op *op;

	if (fails(r, RIG_WRITE))
		return -r->error;
	op = record(r, RIG_WRITE);
	if (op != NULL) {
		op->inode = inode_of(r, fd);
		op->at = at;
		op->n = n;
		op->bytes = malloc(n);
		assert(op->bytes != NULL);
		memcpy(op->bytes, bytes, n);
	}
	return disk_real.write(NULL, fd, bytes, n, at);
}

/* A flush that fails flushes nothing, as far as anyone may rely on. */
static int
rig_flush(void *arg, int fd)
{
	struct rig *r = arg;
	struct rig_op *op;

	if (fails(r, RIG_FLUSH))
		return -r->error;
	op = record(r, RIG_FLUSH);
	if (op != NULL)
		op->inode = inode_of(r, fd);
	return 0;
}

static int
rig_sync_dir(void *arg, int dirfd, const char *path)
{
	struct rig *r = arg;
	struct rig_op *op;

	(void)dirfd;
	if (fails(r, RIG_SYNC))
		return -r->error;
	op = record(r, RIG_SYNC);
	if (op != NULL)
		snprintf(op->path, sizeof(op->path), "%s", path);
	return 0;
}

static int
rig_sync_all(void *arg, int dirfd)
{
	struct rig *r = arg;

	(void)dirfd;
	if (fails(r, RIG_ALL))
		return -r->error;
	record(r, RIG_ALL);
	return 0;
}

static bool
rig_has_sync_all(void *arg, int dirfd)
{
	(void)arg;
	(void)dirfd;
	return true;
}

static int
rig_rename(void *arg, int dirfd, const char *from, const char *to)
{
	struct rig *r = arg;
	struct rig_op *op;
	int error;

	if (fails(r, RIG_RENAME))
		return -r->error;
	error = disk_real.rename(NULL, dirfd, from, to);
	op = error < 0 ? NULL : record(r, RIG_RENAME);
	if (op != NULL) {
		snprintf(op->path, sizeof(op->path), "%s", from);
		snprintf(op->to, sizeof(op->to), "%s", to);
	}
	return error;
}

static int
rig_unlink(void *arg, int dirfd, const char *path)
{
	struct rig *r = arg;
	struct rig_op *op;
	int error;

	if (fails(r, RIG_UNLINK))
		return -r->error;
	error = disk_real.unlink(NULL, dirfd, path);
	op = error < 0 ? NULL : record(r, RIG_UNLINK);
	if (op != NULL)
		snprintf(op->path, sizeof(op->path), "%s", path);
	return error;
}

void
rig_init(struct rig *r)
{
	*r = (struct rig){
	    .disk = {rig_open, rig_write, rig_flush, rig_sync_dir, rig_sync_all,
		rig_has_sync_all, rig_rename, rig_unlink, r},
	    .error = EIO,
	};
	for (int i = 0; i < RIG_CALLS; i++)
		r->fail_after[i] = -1;
	/* Its disk is simulated: memory does for the real one. */
	snprintf(r->dir, sizeof(r->dir), "%s/valija-queue-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert(mkdtemp(r->dir) != NULL);
	r->dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(r->dirfd >= 0);
}

/* Files below `path`; and the directories, if `all`. */
static void
clear_dir(int at, const char *path, bool all)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	struct dirent *e;

	assert(dir != NULL);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR) {
			clear_dir(fd, e->d_name, all);
			if (all)
				unlinkat(fd, e->d_name, AT_REMOVEDIR);
		} else {
			unlinkat(fd, e->d_name, 0);
		}
	}
	closedir(dir);
}

void
rig_clear(struct rig *r)
{
	clear_dir(r->dirfd, ".", false);
}

void
rig_done(struct rig *r)
{
	clear_dir(r->dirfd, ".", true);
	rmdir(r->dir);
	close(r->dirfd);
	for (size_t i = 0; i < r->nops; i++)
		free(r->ops[i].bytes);
	free(r->ops);
	*r = (struct rig){.dirfd = -1};
}

/* The directory part of a path: "." when there is none. */
static bool
is_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	return strlen(dir) == n && strncmp(path, dir, n) == 0;
}

static bool
is_synced(const struct rig *r, size_t op, size_t nops)
{
	const struct rig_op *o = &r->ops[op];
	bool from = false, to = o->call != RIG_RENAME, all = false;

	for (size_t i = op + 1; i < nops; i++) {
		const struct rig_op *later = &r->ops[i];

		/* That leaves to the next flush what the device holds. */
		all |= later->call == RIG_ALL;
		if (all &&
		    (later->call == RIG_FLUSH || later->call == RIG_SYNC))
			return true;
		if (o->call == RIG_WRITE && later->call == RIG_FLUSH &&
		    later->inode == o->inode)
			return true;
		if (o->call == RIG_WRITE || later->call != RIG_SYNC)
			continue;
		from |= is_in(o->path, later->path);
		to |= o->call == RIG_RENAME && is_in(o->to, later->path);
	}
	return from && to;
}

struct name {
	char path[96];
	int inode; /* 0: gone */
};
struct names {
	struct name *list;
	size_t n;
};

static struct name *
find_name(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i].path, path) == 0)
			return &names->list[i];
	return NULL;
}

static void
set_name(struct names *names, const char *path, int inode)
{
	struct name *one = find_name(names, path);

	if (one == NULL) {
		names->list =
		    realloc(names->list, (names->n + 1) * sizeof(*names->list));
		assert(names->list != NULL);
		one = &names->list[names->n++];
		snprintf(one->path, sizeof(one->path), "%s", path);
	}
	one->inode = inode;
}

static int
inode_at(struct names *names, const char *path)
{
	struct name *one = find_name(names, path);

	return one == NULL ? 0 : one->inode;
}

/* `logical`: as the program saw it; `durable`: as the disk has it. */
static void
apply_name(const struct rig_op *op, bool lasts, struct names *logical,
    struct names *durable)
{
	int inode = op->inode;

	if (op->call == RIG_OPEN && inode_at(logical, op->path) == 0) {
		set_name(logical, op->path, inode);
		if (lasts)
			set_name(durable, op->path, inode);
	}
	if (op->call == RIG_UNLINK) {
		inode = inode_at(logical, op->path);
		set_name(logical, op->path, 0);
		if (lasts && inode_at(durable, op->path) == inode)
			set_name(durable, op->path, 0);
	}
	if (op->call == RIG_RENAME) {
		inode = inode_at(logical, op->path);
		set_name(logical, op->path, 0);
		set_name(logical, op->to, inode);
		if (lasts && inode_at(durable, op->path) == inode)
			set_name(durable, op->path, 0);
		if (lasts)
			set_name(durable, op->to, inode);
	}
}

static void
apply_write(const struct rig_op *op, int fd, bool lasts, unsigned *seed)
{
	for (size_t at = 0; at < op->n; at += SECTOR) {
		size_t n = op->n - at < SECTOR ? op->n - at : SECTOR;

		if (!lasts && rig_random(seed, 4) == 0)
			continue;
		assert(pwrite(fd, op->bytes + at, n, op->at + (off_t)at) ==
		       (ssize_t)n);
	}
}

static void
write_inode(const struct rig *r, size_t nops, int inode, const bool *lasts,
    unsigned *seed, int fd)
{
	for (size_t i = 0; i < nops; i++) {
		const struct rig_op *op = &r->ops[i];

		if (op->call != RIG_WRITE || op->inode != inode)
			continue;
		/* Not synced: gone, there, or torn. */
		if (lasts[i])
			apply_write(op, fd, true, seed);
		else if (rig_random(seed, 3) != 0)
			apply_write(op, fd, rig_random(seed, 2) == 0, seed);
	}
}

void
rig_cut(const struct rig *r, size_t nops, unsigned seed, struct rig *to)
{
	struct names logical = {0}, durable = {0};
	bool *lasts = calloc(nops + 1, sizeof(*lasts));

	assert(lasts != NULL);
	for (size_t i = 0; i < nops; i++) {
		const struct rig_op *op = &r->ops[i];

		lasts[i] = is_synced(r, i, nops);
		if (op->call != RIG_WRITE)
			apply_name(op, lasts[i] || rig_random(&seed, 2) == 0,
			    &logical, &durable);
	}
	rig_clear(to);
	for (size_t i = 0; i < durable.n; i++) {
		const struct name *one = &durable.list[i];
		int fd;

		if (one->inode == 0)
			continue;
		fd = openat(
		    to->dirfd, one->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert(fd >= 0);
		write_inode(r, nops, one->inode, lasts, &seed, fd);
		close(fd);
	}
	free(logical.list);
	free(durable.list);
	free(lasts);
}
