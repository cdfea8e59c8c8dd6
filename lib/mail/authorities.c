/* SPDX-License-Identifier: ISC */
/* authorities - PEM from a file and from a directory of files. */
#include "mail/authorities.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- in a program ---- */

static bool
read_gift(
    const struct serve *sv, struct str path, struct buf *ret, struct buf *why)
{
	BUF_CLEANUP struct buf name = {0}, bytes = {0};
	int fd, r;

	if (path.len == 0)
		return true;
	buf_init(&name, path.len + 8);
	buf_init(&bytes, AUTHORITIES_MAX);
	buf_addf(&name, "file:%.*s", STR_ARG(path));
	fd = serve_gift(sv, buf_str(&name));
	r = fd < 0 ? -ENOENT : fd_read_whole(fd, &bytes);
	if (r == 0)
		r = buf_add_str(ret, buf_str(&bytes));
	if (r == 0)
		r = buf_add_char(ret, '\n');
	if (r < 0)
		buf_addf(why, "%.*s: %s", STR_ARG(path), strerror(-r));
	return r == 0;
}

bool
authorities_read(const struct serve *sv, struct str file, struct str dir,
    struct buf *ret, struct buf *why)
{
	return read_gift(sv, file, ret, why) && read_gift(sv, dir, ret, why);
}

/* ---- in master ---- */

/* Eight hexadecimal digits, a dot, a number; ".r" and a number are lists of
 * what was revoked. */
static bool
is_hashed(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n == 8 && name[n] == '.' && name[n + 1] != '\0' &&
	       strspn(name + n + 1, "0123456789") == strlen(name + n + 1);
}

static int
add_file(int dir_fd, const char *name, struct buf *all)
{
	int fd =
	    openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return 0; /* a link to what is no more */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		r = fd_read_rest(fd, all);
		if (r == 0)
			r = buf_add_char(all, '\n');
	}
	close(fd);
	return r;
}

int
authorities_gather(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	BUF_CLEANUP struct buf all = {0};
	const struct dirent *e;
	int r = 0;

	if (dir == NULL) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	buf_init(&all, AUTHORITIES_MAX);
	while (r == 0 && (e = readdir(dir)) != NULL)
		if (is_hashed(e->d_name))
			r = add_file(dir_fd, e->d_name, &all);
	closedir(dir);
	return r < 0 ? r : memfd_sealed("authorities", buf_str(&all));
}
