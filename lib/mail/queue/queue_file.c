/* SPDX-License-Identifier: ISC */
/*
 * queue_file - the header is: magic (8 bytes), version (4), slot size (4),
 * envelope size (4), recipients (4), content size (8), the CRC-32 of the
 * envelope (4) and of the content (4), and of all that (4).  A slot is:
 * length (4), CRC-32 of length and bytes (4), the bytes.
 */
#include "mail/queue/queue_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "mail/queue/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define HEADER_SIZE   512
#define AT_VERSION    8
#define AT_SLOT       12
#define AT_ENVELOPE   16
#define AT_RECIPIENTS 20
#define AT_CONTENT    24
#define AT_ENV_CRC    32
#define AT_CONT_CRC   36
#define AT_CRC        40

#define SLOTS           2
#define SLOT_SAVE       0
#define SLOT_NOTE       1
#define SLOT_HEAD       8
#define SLOT_ALIGN      512
#define SLOT_WORDS      1792 /* for outcomes, whatever the recipients ... */
#define SLOT_WORDS_MORE 256  /* ... and for each of some more */
#define SLOT_MORE_MAX   30
#define ENVELOPE_MAX    (32 * 1024 * 1024)
#define SLOT_MAX        (1024 * 1024)
#define BLOCK           (256 * 1024)
#define FRONT           (8 * 1024)

static const unsigned char magic[8] = {'V', 'A', 'L', 'I', 'J', 'A', 'Q', '\n'};

static uint32_t
slot_size_for(size_t recipients)
{
	size_t more = recipients < SLOT_MORE_MAX ? recipients : SLOT_MORE_MAX;
	size_t n = SLOT_HEAD + progress_size_min(recipients) + SLOT_WORDS +
	           more * SLOT_WORDS_MORE;

	return (uint32_t)((n + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1));
}

static size_t
slot_at(const struct queue_file *f, unsigned slot)
{
	return HEADER_SIZE + (size_t)slot * f->slot_size;
}

static size_t
content_at(const struct queue_file *f)
{
	return slot_at(f, SLOTS) + f->envelope_size;
}

static uint32_t
crc_of(struct str s)
{
	return (uint32_t)crc32_z(0, (const unsigned char *)s.p, s.len);
}

static void
format_header(const struct queue_file *f, unsigned char p[HEADER_SIZE])
{
	memset(p, 0, HEADER_SIZE);
	memcpy(p, magic, sizeof(magic));
	bytes_put32(p + AT_VERSION, QUEUE_FILE_VERSION);
	bytes_put32(p + AT_SLOT, f->slot_size);
	bytes_put32(p + AT_ENVELOPE, f->envelope_size);
	bytes_put32(p + AT_RECIPIENTS, f->recipients);
	bytes_put64(p + AT_CONTENT, f->content_size);
	bytes_put32(p + AT_ENV_CRC, f->envelope_crc);
	bytes_put32(p + AT_CONT_CRC, f->content_crc);
	bytes_put32(p + AT_CRC, (uint32_t)crc32_z(0, p, AT_CRC));
}

static int
parse_header(const unsigned char p[HEADER_SIZE], struct queue_file *ret,
    const char **ret_why)
{
	struct queue_file f = {
	    .slot_size = bytes_get32(p + AT_SLOT),
	    .envelope_size = bytes_get32(p + AT_ENVELOPE),
	    .recipients = bytes_get32(p + AT_RECIPIENTS),
	    .content_size = bytes_get64(p + AT_CONTENT),
	    .envelope_crc = bytes_get32(p + AT_ENV_CRC),
	    .content_crc = bytes_get32(p + AT_CONT_CRC),
	};
	bool is_whole =
	    bytes_get32(p + AT_CRC) == (uint32_t)crc32_z(0, p, AT_CRC);

	*ret_why = "not a queue file";
	if (memcmp(p, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	*ret_why = "of a version that is not known";
	if (is_whole && bytes_get32(p + AT_VERSION) != QUEUE_FILE_VERSION)
		return -EPROTONOSUPPORT;
	*ret_why = "its header is damaged";
	if (!is_whole || f.slot_size < SLOT_HEAD || f.slot_size > SLOT_MAX ||
	    f.envelope_size > ENVELOPE_MAX ||
	    f.recipients > ENVELOPE_RCPT_MAX || f.content_size > CONTENT_MAX)
		return -EBADMSG;
	*ret = f;
	return 0;
}

/* The bytes of one slot, padded with zeros to its size. */
static int
add_slot(const struct queue_file *f, const struct progress *p, uint64_t serial,
    struct buf *out)
{
	size_t start = out->len;
	unsigned char head[SLOT_HEAD] = {0};
	size_t length;
	char *rest;
	int r;

	buf_add(out, head, sizeof(head));
	r = progress_encode(p, serial, f->slot_size - SLOT_HEAD, out);
	if (r < 0)
		return r;
	length = out->len - start - SLOT_HEAD;
	bytes_put32(head, (uint32_t)length);
	memcpy(out->p + start, head, 4);
	bytes_put32(
	    head + 4, (uint32_t)crc32_z(crc32_z(0, head, 4),
			  (unsigned char *)out->p + start + SLOT_HEAD, length));
	memcpy(out->p + start, head, sizeof(head));
	length = f->slot_size - SLOT_HEAD - length;
	rest = buf_room(out, length);
	if (rest == NULL)
		return -EMSGSIZE;
	memset(rest, 0, length);
	buf_grew(out, length);
	return 0;
}

int
queue_file_draft(const struct envelope *e, const struct progress *p,
    struct queue_file_draft *ret)
{
	struct queue_file_draft d = {0};
	unsigned char header[HEADER_SIZE] = {0};
	struct buf envelope;
	int r;

	buf_init(&envelope, ENVELOPE_MAX);
	buf_init(&d.front, ENVELOPE_MAX + SLOTS * SLOT_MAX + HEADER_SIZE);
	d.file = (struct queue_file){
	    .slot_size = slot_size_for(e->recipients.n),
	    .recipients = (uint32_t)e->recipients.n,
	    .content_size = e->size,
	    .serial = SLOTS - 1,
	};
	d.next = p->next;
	r = shape_encode(&envelope_shape, e, &envelope);
	d.file.envelope_size = (uint32_t)envelope.len;
	d.file.envelope_crc = crc_of(buf_str(&envelope));
	buf_add(&d.front, header, sizeof(header));
	for (unsigned i = 0; r == 0 && i < SLOTS; i++)
		r = add_slot(&d.file, p, i, &d.front);
	if (r == 0)
		r = buf_add_str(&d.front, buf_str(&envelope));
	buf_done(&envelope);
	if (r < 0) {
		queue_file_draft_done(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void
queue_file_draft_done(struct queue_file_draft *d)
{
	buf_done(&d->front);
}

static int
write_content(const struct disk *disk, int fd, struct queue_file *f,
    const struct content *content)
{
	size_t done = 0;
	int r = 0;
	char *block = malloc(BLOCK);

	if (block == NULL)
		return -ENOMEM;
	f->content_crc = 0;
	while (r == 0 && done < f->content_size) {
		ssize_t n = content_read(content, done, block, BLOCK);

		if (n <= 0) {
			r = n < 0 ? (int)n : -ENODATA;
			break;
		}
		f->content_crc = (uint32_t)crc32_z(
		    f->content_crc, (unsigned char *)block, (size_t)n);
		r = disk->write(disk->arg, fd, block, (size_t)n,
		    (off_t)(content_at(f) + done));
		done += (size_t)n;
	}
	free(block);
	return r;
}

/* mtime: when the next attempt is; no one depends on it. */
static void
set_mtime(int fd, int64_t next)
{
	struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT},
	    {.tv_sec = next / CLOCK_SEC, .tv_nsec = next % CLOCK_SEC},
	};

	(void)futimens(fd, times);
}

int
queue_file_write(const struct disk *disk, int dirfd, const char *path,
    struct queue_file_draft *d, const struct content *content, bool flushes)
{
	int fd =
	    disk->open(disk->arg, dirfd, path, O_WRONLY | O_CREAT | O_TRUNC);
	int r = 0;

	if (fd < 0)
		return fd;
	d->file.content_crc = 0;
	if (content != NULL)
		r = write_content(disk, fd, &d->file, content);
	if (r == 0) {
		format_header(&d->file, (unsigned char *)d->front.p);
		r = disk->write(disk->arg, fd, d->front.p, d->front.len, 0);
	}
	if (r == 0)
		set_mtime(fd, d->next);
	if (r == 0 && flushes)
		r = disk->flush(disk->arg, fd);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		disk->unlink(disk->arg, dirfd, path);
	return r;
}

/* What is in front of the content, read with one call where it is as small
 * as it most often is. */
struct front {
	int fd;
	size_t n;
	char bytes[FRONT];
};

static int
read_front(int fd, struct front *ret, struct queue_file *ret_file,
    const char **ret_why)
{
	ssize_t n;

	do
		n = pread(fd, ret->bytes, sizeof(ret->bytes), 0);
	while (n < 0 && errno == EINTR);
	*ret_why = "cannot be read";
	if (n < 0)
		return -errno;
	ret->fd = fd;
	ret->n = (size_t)n;
	*ret_why = "cut short";
	if (ret->n < HEADER_SIZE)
		return -EBADMSG;
	return parse_header(
	    (const unsigned char *)ret->bytes, ret_file, ret_why);
}

/* One that did not fill what it was read into ended there. */
static int
find_size(const struct front *front, uint64_t *ret)
{
	struct stat st;

	*ret = front->n;
	if (front->n < sizeof(front->bytes))
		return 0;
	if (fstat(front->fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* *ret borrows from `front` or lies in `a`. */
static int
read_part(const struct front *front, size_t at, size_t n, struct arena *a,
    struct str *ret, const char **ret_why)
{
	char *bytes;
	int r;

	if (at + n <= front->n) {
		*ret = str_n(front->bytes + at, n);
		return 0;
	}
	bytes = arena_alloc(a, n + 1);
	*ret = str_n(bytes, n);
	r = fd_pread_all(front->fd, bytes, n, (off_t)at);
	*ret_why = r == -ENODATA ? "cut short" : "cannot be read";
	return r == -ENODATA ? -EBADMSG : r;
}

/* The bytes of a slot that is whole: false if it is not. */
static bool
open_slot(struct str slot, struct str *ret)
{
	const unsigned char *p = (const unsigned char *)slot.p;
	uint32_t length = bytes_get32(p);

	if (length > slot.len - SLOT_HEAD)
		return false;
	*ret = str_sub(slot, SLOT_HEAD, length);
	return bytes_get32(p + 4) == (uint32_t)crc32_z(crc32_z(0, p, 4),
					 (const unsigned char *)ret->p, length);
}

static bool
decode_slot(struct str slot, struct queue_file *f, struct arena *a,
    struct progress *ret)
{
	struct progress p;
	struct str bytes;
	uint64_t serial;
	const char *why;

	progress_init(&p, f->recipients, a);
	if (!open_slot(slot, &bytes) ||
	    progress_decode(&p, bytes, &serial, &why) < 0)
		return false;
	f->serial = serial;
	*ret = p;
	return true;
}

/* The newer of the slots that are whole; the other need not be looked into. */
static int
read_progress(const struct front *front, struct queue_file *f, struct arena *a,
    struct progress *ret, const char **ret_why)
{
	struct str slots[SLOTS];
	uint64_t serials[SLOTS];
	unsigned newer;

	for (unsigned i = 0; i < SLOTS; i++) {
		int r = read_part(
		    front, slot_at(f, i), f->slot_size, a, &slots[i], ret_why);

		if (r < 0)
			return r;
		serials[i] = progress_peek(str_from(slots[i], SLOT_HEAD));
	}
	newer =
	    serials[SLOT_NOTE] >= serials[SLOT_SAVE] ? SLOT_NOTE : SLOT_SAVE;
	*ret_why = "both states are damaged";
	return decode_slot(slots[newer], f, a, ret) ||
	               decode_slot(slots[!newer], f, a, ret)
	           ? 0
	           : -EBADMSG;
}

/* A ceiling for all that is made of such a file. */
static size_t
arena_max(const struct queue_file *f)
{
	return entry_arena_max(f->envelope_size) +
	       2 * (size_t)f->envelope_size +
	       progress_arena_max(f->recipients) +
	       SLOTS * 2 * (size_t)f->slot_size;
}

int
queue_file_read(int fd, struct arena *a, struct queue_file *ret,
    struct envelope *ret_envelope, struct progress *ret_progress,
    const char **ret_why)
{
	struct front front;
	struct queue_file f;
	struct str bytes;
	uint64_t size;
	int r = read_front(fd, &front, &f, ret_why);

	if (r < 0)
		return r;
	a->max = arena_max(&f);
	r = read_progress(&front, &f, a, ret_progress, ret_why);
	if (r == 0)
		r = read_part(&front, slot_at(&f, SLOTS), f.envelope_size, a,
		    &bytes, ret_why);
	if (r < 0)
		return r;
	*ret_why = "its envelope is damaged";
	if (crc_of(bytes) != f.envelope_crc)
		return -EBADMSG;
	if (shape_decode(&envelope_shape, arena_str(a, bytes), a, ret_envelope,
		ret_why) < 0)
		return -EBADMSG;
	*ret_why = "the sizes do not agree";
	if (ret_envelope->recipients.n != f.recipients ||
	    ret_envelope->size != f.content_size ||
	    find_size(&front, &size) < 0 ||
	    size != content_at(&f) + f.content_size)
		return -EBADMSG;
	*ret = f;
	return 0;
}

int
queue_file_content(int fd, const struct queue_file *f, struct content **ret)
{
	struct content_builder *b = content_builder_new(f->content_size);
	char *block = malloc(BLOCK);
	uint32_t crc = 0;
	size_t done = 0;
	int r = block == NULL || b == NULL ? -ENOMEM : 0;

	while (r == 0 && done < f->content_size) {
		size_t n = f->content_size - done;

		n = n < BLOCK ? n : BLOCK;
		r = fd_pread_all(fd, block, n, (off_t)(content_at(f) + done));
		if (r == 0)
			r = content_append(b, str_n(block, n));
		crc = (uint32_t)crc32_z(crc, (unsigned char *)block, n);
		done += n;
	}
	free(block);
	if (r == -ENODATA || (r == 0 && crc != f->content_crc))
		r = -EBADMSG;
	if (r < 0) {
		content_builder_free(&b);
		return r;
	}
	*ret = content_finish(&b);
	return *ret == NULL ? -errno : 0;
}

/* The highest serial in a slot of the file as it is now. */
static int
find_serial(int fd, const struct queue_file *f, uint64_t *ret)
{
	ARENA_CLEANUP struct arena a = {0};
	struct queue_file now;
	struct front front;
	struct progress p;
	const char *why;
	int r = read_front(fd, &front, &now, &why);

	if (r < 0)
		return r;
	now = *f;
	arena_init(&a, progress_arena_max(f->recipients) +
			   SLOTS * 4 * (size_t)f->slot_size);
	r = read_progress(&front, &now, &a, &p, &why);
	if (r == 0)
		*ret = now.serial;
	return r;
}

static int
write_slot(const struct disk *disk, int fd, const struct queue_file *f,
    unsigned slot, const struct progress *p)
{
	struct buf bytes;
	uint64_t serial;
	int r = find_serial(fd, f, &serial);

	if (r < 0)
		return r;
	buf_init(&bytes, SLOT_MAX);
	r = add_slot(f, p, serial + 1, &bytes);
	if (r == 0)
		r = disk->write(
		    disk->arg, fd, bytes.p, bytes.len, (off_t)slot_at(f, slot));
	buf_done(&bytes);
	if (r == 0)
		set_mtime(fd, p->next);
	return r;
}

int
queue_file_note(const struct disk *disk, int fd, const struct queue_file *f,
    const struct progress *p)
{
	return write_slot(disk, fd, f, SLOT_NOTE, p);
}

int
queue_file_save(const struct disk *disk, int fd, const struct queue_file *f,
    const struct progress *p)
{
	int r = disk->flush(disk->arg, fd); /* the note */

	if (r == 0)
		r = write_slot(disk, fd, f, SLOT_SAVE, p);
	return r < 0 ? r : disk->flush(disk->arg, fd);
}
