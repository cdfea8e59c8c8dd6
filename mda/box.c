/* SPDX-License-Identifier: ISC */
/* box - a Maildir's folders.  Owns the descriptors of two. */
#include "box.h"

#include "base/clock.h"
#include "base/file.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A time stamp of the file system may be this much behind the clock. */
#define STAMP_SLACK (100 * CLOCK_MS)

void
box_init(struct box *box, int root_fd, struct str path)
{
	*box = (struct box){.root_fd = root_fd, .new_fd = -1, .cur_fd = -1};
	buf_init(&box->path, PATH_MAX_BYTES);
	buf_add_str(&box->path, path);
}

void
box_done(struct box *box)
{
	fd_close(&box->new_fd);
	fd_close(&box->cur_fd);
	buf_done(&box->path);
}

const char *
box_name(
    const struct box *box, const char *sub, const char *name, struct buf *ret)
{
	buf_reset(ret);
	buf_addf(ret, "%s/%s/%s", box->path.p, sub, name);
	return ret->p;
}

int
box_make(const struct box *box)
{
	static const char *const subs[] = {"tmp", "new", "cur"};
	BUF_CLEANUP struct buf path = {0};
	int r = 0;

	buf_init(&path, PATH_MAX_BYTES);
	for (size_t i = 0; r == 0 && i < 3; i++) {
		buf_reset(&path);
		if (buf_addf(&path, "%s/%s", box->path.p, subs[i]) < 0)
			return -ENAMETOOLONG;
		r = path_make_dirs(box->root_fd, path.p);
	}
	return r;
}

static int
open_sub(const struct box *box, const char *sub)
{
	BUF_CLEANUP struct buf path = {0};

	buf_init(&path, PATH_MAX_BYTES);
	if (buf_addf(&path, "%s/%s", box->path.p, sub) < 0)
		return -ENAMETOOLONG;
	return path_open(box->root_fd, path.p, O_RDONLY | O_DIRECTORY, 0);
}

/* None, or one that says nothing: it is not older than any message. */
static int64_t
time_of_cur(const struct box *box)
{
	BUF_CLEANUP struct buf path = {0};
	struct stat st;

	buf_init(&path, PATH_MAX_BYTES);
	if (buf_addf(&path, "%s/cur", box->path.p) < 0 ||
	    fstatat(box->root_fd, path.p, &st, 0) < 0)
		return 0;
	return st.st_mtim.tv_sec * CLOCK_SEC + st.st_mtim.tv_nsec;
}

/* tmp/ may be there already and new/ not yet, while another child of the same
 * user is making the Maildir. */
int
box_open(struct box *box)
{
	struct stat st;
	int fd, r;

	if (box->new_fd >= 0)
		return 0;
	fd = open_sub(box, "new");
	if (fd == -ENOENT) {
		r = box_make(box);
		fd = r < 0 ? r : open_sub(box, "new");
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	box->new_fd = fd;
	box->dev = st.st_dev;
	box->cur_changed = time_of_cur(box);
	return 0;
}

/* A reader has added ":2," and flags to the name. */
static bool
is_name_of(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 &&
	       (entry[n] == '\0' || entry[n] == ':');
}

static bool
scan_for(int fd, const char *name, off_t size)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	struct stat st;
	bool is_there = false;

	if (dir == NULL) {
		close(fd);
		return false;
	}
	while (!is_there && (e = readdir(dir)) != NULL)
		is_there =
		    is_name_of(e->d_name, name) &&
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_size == size;
	closedir(dir);
	return is_there;
}

bool
box_has_in_cur(struct box *box, const char *name, off_t size, int64_t arrival)
{
	if (box->cur_changed + STAMP_SLACK < arrival)
		return false;
	if (box->cur_fd < 0)
		box->cur_fd = open_sub(box, "cur");
	if (box->cur_fd < 0)
		return false;
	return scan_for(open_sub(box, "cur"), name, size);
}

void
box_sync(struct box *box)
{
	if (box->new_fd >= 0)
		box->synced = dir_sync(box->new_fd);
	if (box->synced == 0 && box->cur_fd >= 0)
		box->synced = dir_sync(box->cur_fd);
}
