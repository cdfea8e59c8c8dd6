/* SPDX-License-Identifier: ISC */
/* path - files below a root.  Owns nothing. */
#include "path.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct str
strip_slashes(struct str s)
{
	while (str_has_prefix(s, STR("/")))
		s = str_from(s, 1);
	while (str_has_suffix(s, STR("/")))
		s.len--;
	return s;
}

/* SECURITY: a path is made from what a user or an address said; Landlock
 * holds as well, where the kernel has it. */
static bool
climbs(struct str path)
{
	struct str part;

	while (!str_is_empty(part = str_word(&path, "/")))
		if (str_eq(part, STR("..")))
			return true;
	return false;
}

int
path_below(struct str root, struct str path, struct buf *ret)
{
	if (str_has_prefix(path, STR("/"))) {
		root = strip_slashes(root);
		path = str_from(path, 1);
		if (!str_has_prefix(path, root))
			return -EXDEV;
		path = str_from(path, root.len);
		if (root.len > 0 && path.len > 0 && path.p[0] != '/')
			return -EXDEV;
	}
	path = strip_slashes(path);
	if (climbs(path))
		return -EXDEV;
	if (str_has_char(path, '\0'))
		return -EINVAL;
	buf_reset(ret);
	if (buf_add_str(ret, path.len == 0 ? STR(".") : path) < 0)
		return -ENAMETOOLONG;
	return 0;
}

int
path_open(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC),
	    .mode = (flags & O_CREAT) != 0 ? mode : 0,
	    .resolve = RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* `path` up to its last slash, "." if there is none. */
static int
copy_parent(const char *path, struct buf *ret)
{
	ptrdiff_t slash = str_find_last(str_c(path), '/');

	buf_reset(ret);
	return slash <= 0 ? buf_add_c(ret, slash == 0 ? "/" : ".")
	                  : buf_add(ret, path, (size_t)slash);
}

int
path_open_parent(int dirfd, const char *path)
{
	BUF_CLEANUP struct buf parent = {0};
	int r;

	buf_init(&parent, PATH_MAX_BYTES);
	r = copy_parent(path, &parent);
	if (r < 0)
		return -ENAMETOOLONG;
	return path_open(dirfd, parent.p, O_RDONLY | O_DIRECTORY, 0);
}

static int
sync_parent(int dirfd, const char *path)
{
	FD_CLEANUP int fd = path_open_parent(dirfd, path);

	return fd < 0 ? fd : dir_sync(fd);
}

static int
make_dir(int dirfd, const char *path)
{
	if (mkdirat(dirfd, path, 0700) == 0)
		return sync_parent(dirfd, path);
	return errno == EEXIST ? 0 : -errno;
}

int
path_make_dirs(int dirfd, const char *path)
{
	size_t len = strlen(path);
	BUF_CLEANUP struct buf part = {0};

	buf_init(&part, PATH_MAX_BYTES);
	for (size_t i = 1; i <= len; i++) {
		int r;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		buf_reset(&part);
		if (buf_add(&part, path, i) < 0)
			return -ENAMETOOLONG;
		r = make_dir(dirfd, part.p);
		if (r < 0)
			return r;
	}
	return 0;
}
