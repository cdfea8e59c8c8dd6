/* SPDX-License-Identifier: ISC */
/* export_file - written in a piece, read with every byte checked. */
#include "export_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/shape_text.h"
#include "mail/bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC     "Valija export "
#define VERSION   "1"
#define HEAD_MAX  ((size_t)64 * 1024 * 1024)
#define LINES     512 /* bytes of the first three, and of a mark */
#define BLOCK     (64 * 1024)
#define MARKS_MAX (64 * 1024)
#define SUM       (SHA256_DIGEST_STRING_LENGTH - 1)

static const struct field head_fields[] = {
    SHAPE_LINE(struct export_head, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct export_head, host, BOUND_NAME),
    SHAPE_I64(struct export_head, exported, INT64_MAX),
    SHAPE_U64(struct export_head, held, 1),
    SHAPE_U64(struct export_head, attempts, UINT32_MAX),
    SHAPE_ONE(struct export_head, envelope, &envelope_shape),
};
static const struct shape head_shape =
    SHAPE("export", struct export_head, head_fields);

/* ---- writing ---- */

static void
sum_str(struct str s, char ret[SHA256_DIGEST_STRING_LENGTH])
{
	SHA256Data((const uint8_t *)s.p, s.len, ret);
}

/* Each view of the content to `fd` (-1: to none), and their sum. */
static int
pass_content(struct content *c, int fd, char ret[SHA256_DIGEST_STRING_LENGTH])
{
	SHA2_CTX sum;
	struct str view;
	int r;

	SHA256Init(&sum);
	for (size_t at = 0; at < content_size(c); at += view.len) {
		r = content_view(c, at, &view);
		if (r == 0 && view.len == 0)
			r = -ENODATA;
		if (r == 0 && fd >= 0)
			r = fd_write_all(fd, view.p, view.len);
		if (r < 0)
			return r;
		SHA256Update(&sum, (const uint8_t *)view.p, view.len);
	}
	SHA256End(&sum, ret);
	return 0;
}

static int
write_all(int fd, const struct export_head *h, struct content *content)
{
	BUF_CLEANUP struct buf head = {0}, lines = {0};
	char head_sum[SHA256_DIGEST_STRING_LENGTH];
	char content_sum[SHA256_DIGEST_STRING_LENGTH];
	int r;

	buf_init(&head, HEAD_MAX);
	buf_init(&lines, LINES);
	r = shape_print(&head_shape, h, &head);
	if (r == 0)
		r = pass_content(content, -1, content_sum);
	if (r < 0)
		return r;
	sum_str(buf_str(&head), head_sum);
	buf_addf(&lines,
	    MAGIC VERSION "\nhead=%zu sha256=%s\ncontent=%zu sha256=%s\n",
	    head.len, head_sum, content_size(content), content_sum);
	r = fd_write_all(fd, lines.p, lines.len);
	if (r == 0)
		r = fd_write_all(fd, head.p, head.len);
	if (r == 0)
		r = pass_content(content, fd, content_sum);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* Free, or the same message's from before. */
static int
may_replace(int dirfd, const char *name, struct str id)
{
	BUF_CLEANUP struct buf why = {0};
	struct export_file f;
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	buf_init(&why, LOG_LINE_MAX);
	r = export_file_open(dirfd, name, &f, &why);
	if (r < 0)
		return -EEXIST;
	r = str_eq(f.head.id, id) ? 0 : -EEXIST;
	export_file_close(&f);
	return r;
}

int
export_file_write(
    int dirfd, const struct export_head *h, struct content *content)
{
	char name[ENVELOPE_QID_MAX + 16], tmp[ENVELOPE_QID_MAX + 32];
	FD_CLEANUP int fd = -1;
	int r;

	snprintf(name, sizeof(name), "%.*s" EXPORT_FILE_SUFFIX, STR_ARG(h->id));
	snprintf(tmp, sizeof(tmp), ".%s.%d", name, (int)getpid());
	r = may_replace(dirfd, name, h->id);
	if (r < 0)
		return r;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, h, content);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

/* ---- reading ---- */

static int
refuse(struct buf *why, int error, const char *text)
{
	buf_add_c(why, text);
	return error;
}

struct part {
	uint64_t size;
	struct str sum;
};

/* "head=412 sha256=..." */
static bool
parse_part(struct str line, struct str name, struct part *ret)
{
	struct str size, sum;

	if (!str_has_prefix(line, name) || !str_cut(line, ' ', &size, &sum) ||
	    !str_has_prefix(sum, STR("sha256=")))
		return false;
	size = str_from(size, name.len);
	ret->sum = str_from(sum, sizeof("sha256=") - 1);
	return ret->sum.len == SUM &&
	       str_parse_u64(size, CONTENT_MAX, &ret->size) == 0;
}

/* The lines in front: how many bytes they take, or -errno. */
static int
parse_lines(
    struct str in, struct part *head, struct part *content, struct buf *why)
{
	struct str line, rest = in;

	if (!str_cut(rest, '\n', &line, &rest) ||
	    !str_has_prefix(line, STR(MAGIC)))
		return refuse(why, -EPROTO, "not an exported message");
	if (!str_eq(line, STR(MAGIC VERSION)))
		return refuse(why, -EPROTONOSUPPORT,
		    "written by a version that this one does not know");
	if (!str_cut(rest, '\n', &line, &rest) ||
	    !parse_part(line, STR("head="), head) ||
	    !str_cut(rest, '\n', &line, &rest) ||
	    !parse_part(line, STR("content="), content) ||
	    head->size > HEAD_MAX)
		return refuse(why, -EPROTO, "its first lines are damaged");
	return (int)(rest.p - in.p);
}

static int
read_head(
    struct export_file *f, off_t at, const struct part *head, struct buf *why)
{
	char sum[SHA256_DIGEST_STRING_LENGTH];
	char *room;
	int r;

	buf_init(&f->bytes, HEAD_MAX);
	room = buf_room(&f->bytes, (size_t)head->size);
	r = fd_pread_all(f->fd, room, (size_t)head->size, at);
	if (r < 0)
		return refuse(why, r == -ENODATA ? -EPROTO : r, "cut short");
	buf_grew(&f->bytes, (size_t)head->size);
	sum_str(buf_str(&f->bytes), sum);
	if (!str_eq(str_c(sum), head->sum))
		return refuse(why, -EPROTO, "its envelope is damaged");
	/* A row is a line, and is larger in memory. */
	arena_init(&f->arena, 64 * ((size_t)head->size + BLOCK));
	return shape_parse(
	    &head_shape, buf_str(&f->bytes), &f->arena, &f->head, why);
}

static int
check_content(const struct export_file *f, struct str want, struct buf *why)
{
	static char block[BLOCK];
	char sum[SHA256_DIGEST_STRING_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	for (off_t at = f->content_at; at < f->end;) {
		size_t n = f->end - at < BLOCK ? (size_t)(f->end - at) : BLOCK;
		int r = fd_pread_all(f->fd, block, n, at);

		if (r < 0)
			return refuse(
			    why, r == -ENODATA ? -EPROTO : r, "cut short");
		SHA256Update(&ctx, (const uint8_t *)block, n);
		at += (off_t)n;
	}
	SHA256End(&ctx, sum);
	return str_eq(str_c(sum), want)
	           ? 0
	           : refuse(why, -EPROTO, "its content is damaged");
}

/* A line that was cut short says what it began to say. */
static bool
is_mark(struct str line)
{
	return str_has_prefix(line, STR("import")) ||
	       str_has_prefix(STR("import"), line);
}

static int
read_marks(struct export_file *f, struct buf *why)
{
	struct str rest, line;
	char *room;
	ssize_t n;

	buf_init(&f->marks, MARKS_MAX);
	room = buf_room(&f->marks, MARKS_MAX);
	n = pread(f->fd, room, MARKS_MAX, f->end);
	if (n < 0)
		return refuse(why, -errno, strerror(errno));
	buf_grew(&f->marks, (size_t)n);
	rest = buf_str(&f->marks);
	while (str_line(&rest, &line))
		if (!is_mark(line))
			return refuse(
			    why, -EPROTO, "something else stands behind it");
	return 0;
}

static int
read_all(struct export_file *f, struct buf *why)
{
	struct part head, content;
	char lines[LINES];
	ssize_t n = pread(f->fd, lines, sizeof(lines), 0);
	int r;

	if (n < 0)
		return refuse(why, -errno, strerror(errno));
	r = parse_lines(str_n(lines, (size_t)n), &head, &content, why);
	if (r < 0)
		return r;
	f->content_at = r + (off_t)head.size;
	f->end = f->content_at + (off_t)content.size;
	r = read_head(f, r, &head, why);
	if (r == 0)
		r = check_content(f, content.sum, why);
	if (r == 0)
		r = read_marks(f, why);
	if (r == 0 && (f->head.envelope.recipients.n == 0 ||
			  f->head.envelope.size != content.size))
		r = refuse(why, -EPROTO, "its envelope is not its content's");
	return r;
}

static int
open_at(int dirfd, const char *path, struct export_file *f, struct buf *why)
{
	static const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	f->fd = openat(dirfd, path, O_RDWR | flags);
	f->is_writable = f->fd >= 0;
	if (f->fd < 0 && (errno == EACCES || errno == EROFS))
		f->fd = openat(dirfd, path, O_RDONLY | flags);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return refuse(why, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(why, -EPROTO, "not a file");
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(why, errno == EWOULDBLOCK ? -EBUSY : -errno,
		    "somebody else has it open");
	return 0;
}

int
export_file_open(
    int dirfd, const char *path, struct export_file *ret, struct buf *why)
{
	int r;

	*ret = (struct export_file){.fd = -1};
	r = open_at(dirfd, path, ret, why);
	if (r == 0)
		r = read_all(ret, why);
	if (r < 0)
		export_file_close(ret);
	return r;
}

void
export_file_close(struct export_file *f)
{
	fd_close(&f->fd);
	arena_done(&f->arena);
	buf_done(&f->bytes);
	buf_done(&f->marks);
}

struct content *
export_file_content(const struct export_file *f)
{
	static char block[BLOCK];
	struct content_builder *b =
	    content_builder_new((size_t)(f->end - f->content_at));
	int r = 0;

	for (off_t at = f->content_at; r == 0 && at < f->end;) {
		size_t n = f->end - at < BLOCK ? (size_t)(f->end - at) : BLOCK;

		r = fd_pread_all(f->fd, block, n, at);
		if (r == 0)
			r = content_append(b, str_n(block, n));
		at += (off_t)n;
	}
	return content_finish_if(&b, r);
}

/* A line behind all that is there. */
static int
add_line(struct export_file *f, const struct buf *line)
{
	struct stat st;
	struct iovec iov = {line->p, line->len};
	int r;

	if (!f->is_writable)
		return -EACCES;
	if (fstat(f->fd, &st) < 0)
		return -errno;
	r = fd_pwritev_all(f->fd, &iov, 1, st.st_size);
	return r == 0 && fsync(f->fd) < 0 ? -errno : r;
}

int
export_file_begin(struct export_file *f, struct str host)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINES);
	buf_addf(&line, "importing host=%.*s at=%" PRId64 "\n",
	    STR_ARG(str_sub(host, 0, BOUND_NAME)), clock_wall() / CLOCK_SEC);
	return add_line(f, &line);
}

int
export_file_mark(struct export_file *f, struct str id, struct str host)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINES);
	buf_addf(&line, "imported as=%.*s host=%.*s at=%" PRId64 "\n",
	    STR_ARG(id), STR_ARG(str_sub(host, 0, BOUND_NAME)),
	    clock_wall() / CLOCK_SEC);
	return add_line(f, &line);
}

int
export_file_undo(struct export_file *f)
{
	if (!f->is_writable)
		return -EACCES;
	if (ftruncate(f->fd, f->end + (off_t)f->marks.len) < 0 ||
	    fsync(f->fd) < 0)
		return -errno;
	return 0;
}
