/* SPDX-License-Identifier: ISC */
/* maildrop - mail that waits for the suite to start.  Owns nothing but what a
 * struct maildrop_file holds. */
#include "mail/maildrop.h"

#include "base/clock.h"
#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAGIC_LEN  (sizeof(MAILDROP_MAGIC) - 1)
#define FIXED_LEN  (MAGIC_LEN + sizeof(uint32_t))
#define NAME_TRIES 10

/* What the directory's default ACL does to a new file of ours: without it
 * pickup, another user, could not read it. */
static int
check_readable(const char *path, int fd)
{
	struct stat dir;

	if (stat(path, &dir) < 0)
		return -errno;
	if (dir.st_uid == geteuid() ||
	    fgetxattr(fd, "system.posix_acl_access", NULL, 0) > 0)
		return 0;
	return -ENOTSUP;
}

static int
write_head(int fd, const struct submit_message *m)
{
	struct buf b;
	uint32_t length;
	int r;

	buf_init(&b, MAILDROP_HEAD_MAX + FIXED_LEN);
	buf_add(&b, MAILDROP_MAGIC, MAGIC_LEN);
	buf_add(&b, "\0\0\0\0", sizeof(length));
	r = shape_encode(&submit_message_shape, m, &b);
	if (r == 0) {
		length = htole32((uint32_t)(b.len - FIXED_LEN));
		memcpy(b.p + MAGIC_LEN, &length, sizeof(length));
		r = fd_write_all(fd, b.p, b.len);
	}
	buf_done(&b);
	return r;
}

static int
give_name(int fd, const char *path)
{
	char from[64], *to;
	int r = -EEXIST;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	for (int i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
		if (asprintf(&to, "%s/%08x%08x", path, arc4random(),
			arc4random()) < 0)
			return -ENOMEM;
		r = linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) < 0
		        ? -errno
		        : 0;
		free(to);
	}
	return r;
}

int
maildrop_put(const char *path, struct submit_message *m, struct content *c)
{
	FD_CLEANUP int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
	int r;

	if (fd < 0)
		return -errno;
	m->content = (struct content_wire){STR_NONE, content_size(c)};
	r = check_readable(path, fd);
	if (r == 0)
		r = write_head(fd, m);
	if (r == 0)
		r = content_write_to(c, fd, 0);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = give_name(fd, path);
	/* The name is durable when the file is flushed once more: the
	 * directory itself is closed to us. */
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int
read_head(struct maildrop_file *f, const char **ret_why)
{
	char fixed[FIXED_LEN];
	uint32_t length;
	char *room;
	int r = fd_pread_all(f->fd, fixed, sizeof(fixed), 0);

	if (r < 0 || memcmp(fixed, MAILDROP_MAGIC, MAGIC_LEN) != 0) {
		*ret_why = "no message of sendmail(1)";
		return r < 0 && r != -ENODATA ? r : -EPROTO;
	}
	memcpy(&length, fixed + MAGIC_LEN, sizeof(length));
	length = le32toh(length);
	*ret_why = "cut short";
	if (length > MAILDROP_HEAD_MAX || (off_t)(FIXED_LEN + length) > f->size)
		return -EPROTO;
	buf_init(&f->head, MAILDROP_HEAD_MAX);
	room = buf_room(&f->head, length);
	r = fd_pread_all(f->fd, room, length, FIXED_LEN);
	if (r < 0)
		return r == -ENODATA ? -EPROTO : r;
	buf_grew(&f->head, length);
	f->content_at = (off_t)(FIXED_LEN + length);
	return 0;
}

static int
decode_head(struct maildrop_file *f, const char **ret_why)
{
	struct submit_message *m = &f->message;

	if (shape_decode(&submit_message_shape, buf_str(&f->head), &f->arena, m,
		ret_why) < 0)
		return -EPROTO;
	*ret_why = "of another size than it says";
	if (m->content.inline_bytes.len > 0 ||
	    m->content.size != (uint64_t)(f->size - f->content_at))
		return -EPROTO;
	return 0;
}

static int
check_file(struct maildrop_file *f, const char **ret_why)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	*ret_why = "not a file with one name";
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EPROTO;
	f->uid = st.st_uid;
	f->size = st.st_size;
	return 0;
}

int
maildrop_open(int dir_fd, const char *name, struct maildrop_file *ret,
    const char **ret_why)
{
	struct maildrop_file f = {.fd = -1};
	int r;

	*ret_why = "cannot be opened";
	f.fd = openat(
	    dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f.fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EPROTO : -errno;
	arena_init(&f.arena, 16 * MAILDROP_HEAD_MAX);
	r = check_file(&f, ret_why);
	if (r == 0)
		r = read_head(&f, ret_why);
	if (r == 0)
		r = decode_head(&f, ret_why);
	if (r < 0)
		maildrop_close(&f);
	else
		*ret = f;
	return r;
}

void
maildrop_close(struct maildrop_file *f)
{
	fd_close(&f->fd);
	buf_done(&f->head);
	arena_done(&f->arena);
}

ssize_t
maildrop_read(const struct maildrop_file *f, off_t at, void *bytes, size_t n)
{
	off_t left = f->size - f->content_at - at;
	int r;

	if (left <= 0)
		return 0;
	if ((off_t)n > left)
		n = (size_t)left;
	r = fd_pread_all(f->fd, bytes, n, f->content_at + at);
	return r < 0 ? r : (ssize_t)n;
}
