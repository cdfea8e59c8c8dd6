/* SPDX-License-Identifier: ISC */
/*
 * content - a message's bytes.  Owns the inline bytes, or the memfds and the
 * mappings of them that views were asked for.  A builder gathers up to
 * CONTENT_INLINE bytes; when more come it writes them out in blocks of that
 * size into memfds that are sealed as they fill.
 */
#include "mail/content.h"

#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const struct field wire_fields[] = {
    SHAPE_STR(struct content_wire, inline_bytes, CONTENT_INLINE),
    SHAPE_U64(struct content_wire, size, CONTENT_MAX),
};
const struct shape content_wire_shape =
    SHAPE("content", struct content_wire, wire_fields);

struct content {
	size_t refs;
	size_t size;
	char *bytes; /* inline: NULL when nfds > 0 */
	int *fds;
	char **maps; /* NULL: not mapped */
	size_t nfds;
};

struct content_builder {
	size_t max, size;
	struct buf gathered; /* not written yet */
	int *fds;            /* all but the last are full and sealed */
	size_t nfds;
	size_t written; /* into the last */
};

static void *
need(void *p, size_t n)
{
	if (p == NULL)
		log_fatal("out of memory for %zu bytes of content", n);
	return p;
}

static size_t
count_chunks(size_t size)
{
	return (size + CONTENT_CHUNK - 1) / CONTENT_CHUNK;
}

static size_t
chunk_size(size_t size, size_t i)
{
	size_t left = size - i * CONTENT_CHUNK;

	return left < CONTENT_CHUNK ? left : CONTENT_CHUNK;
}

/* Takes fds (an allocated array), or copies the bytes when there are none. */
static struct content *
new_content(size_t size, struct str bytes, int *fds, size_t nfds)
{
	struct content *c = need(calloc(1, sizeof(*c)), sizeof(*c));

	c->refs = 1;
	c->size = size;
	if (nfds == 0) {
		c->bytes = need(malloc(size + 1), size);
		if (size > 0)
			memcpy(c->bytes, bytes.p, size);
		return c;
	}
	c->fds = fds;
	c->nfds = nfds;
	c->maps = need(calloc(nfds, sizeof(*c->maps)), nfds);
	return c;
}

struct content_builder *
content_builder_new(size_t max)
{
	struct content_builder *b = need(calloc(1, sizeof(*b)), sizeof(*b));

	b->max = max < CONTENT_MAX ? max : CONTENT_MAX;
	buf_init(&b->gathered, CONTENT_INLINE);
	return b;
}

void
content_builder_free(struct content_builder **bp)
{
	struct content_builder *b = *bp;

	if (b == NULL)
		return;
	for (size_t i = 0; i < b->nfds; i++)
		fd_close(&b->fds[i]);
	free(b->fds);
	buf_done(&b->gathered);
	free(b);
	*bp = NULL;
}

size_t
content_builder_size(const struct content_builder *b)
{
	return b->size;
}

static int
seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

static int
open_chunk(struct content_builder *b)
{
	int fd, *grown;

	fd = memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	grown = realloc(b->fds, (b->nfds + 1) * sizeof(*b->fds));
	b->fds = need(grown, b->nfds);
	b->fds[b->nfds++] = fd;
	b->written = 0;
	return 0;
}

/* Move what was gathered into the memfds.  A block never crosses a chunk's
 * end, since CONTENT_CHUNK is a multiple of CONTENT_INLINE and all blocks
 * but the last have that size. */
static int
write_out(struct content_builder *b)
{
	struct iovec iov = {b->gathered.p, b->gathered.len};
	int r = 0;

	if (b->nfds == 0 || b->written == CONTENT_CHUNK) {
		if (b->nfds > 0)
			r = seal(b->fds[b->nfds - 1]);
		if (r == 0)
			r = open_chunk(b);
	}
	if (r == 0)
		r = fd_pwritev_all(
		    b->fds[b->nfds - 1], &iov, 1, (off_t)b->written);
	if (r < 0)
		return r;
	b->written += b->gathered.len;
	buf_reset(&b->gathered);
	return 0;
}

_Static_assert(CONTENT_CHUNK % CONTENT_INLINE == 0, "see write_out");

int
content_append(struct content_builder *b, struct str bytes)
{
	if (bytes.len > b->max - b->size)
		return -EMSGSIZE;
	while (bytes.len > 0) {
		size_t n = CONTENT_INLINE - b->gathered.len;

		if (n == 0) {
			int r = write_out(b);

			if (r < 0)
				return r;
			continue;
		}
		if (n > bytes.len)
			n = bytes.len;
		buf_add(&b->gathered, bytes.p, n);
		b->size += n;
		bytes = str_from(bytes, n);
	}
	return 0;
}

struct content *
content_finish(struct content_builder **bp)
{
	struct content_builder *b = *bp;
	struct content *c = NULL;
	int r = 0;

	if (b->nfds > 0) {
		r = write_out(b);
		if (r == 0)
			r = seal(b->fds[b->nfds - 1]);
	}
	if (r == 0) {
		c = new_content(
		    b->size, buf_str(&b->gathered), b->fds, b->nfds);
		b->fds = NULL;
		b->nfds = 0;
	}
	content_builder_free(bp);
	errno = -r;
	return c;
}

struct content *
content_finish_if(struct content_builder **b, int r)
{
	if (r == 0)
		return content_finish(b);
	content_builder_free(b);
	errno = -r;
	return NULL;
}

struct content *
content_from_str(struct str bytes)
{
	struct content_builder *b = content_builder_new(bytes.len);
	int r = content_append(b, bytes);

	return content_finish_if(&b, r);
}

/* Append all of `c`, by way of its views. */
static int
append_content(struct content_builder *b, struct content *c)
{
	struct str view;
	int r = 0;

	for (size_t at = 0; r == 0; at += view.len) {
		r = content_view(c, at, &view);
		if (r < 0 || view.len == 0)
			break;
		r = content_append(b, view);
	}
	return r;
}

struct content *
content_prepend(struct str header, struct content *rest)
{
	struct content_builder *b = content_builder_new(CONTENT_MAX);
	int r = content_append(b, header);

	if (r == 0)
		r = append_content(b, rest);
	return content_finish_if(&b, r);
}

/*
 * SECURITY: without SHRINK a mapping could be cut away under its reader
 * (SIGBUS), without WRITE and GROW the sender could change what was checked,
 * without SEAL he could not, but one seal less is one thing less to rely on.
 */
static int
check_chunk(int fd, size_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size != size)
		return -EPROTO;
	return 0;
}

int
content_receive(
    const struct content_wire *w, struct parcel *p, struct content **ret)
{
	size_t size = w->size, n = p->nfds;
	int *fds;

	if (n == 0) {
		if (size != w->inline_bytes.len || size > CONTENT_INLINE)
			return -EPROTO;
		*ret = new_content(size, w->inline_bytes, NULL, 0);
		return 0;
	}
	if (w->inline_bytes.len > 0 || size <= CONTENT_INLINE ||
	    size > CONTENT_MAX || n != count_chunks(size))
		return -EPROTO;
	for (size_t i = 0; i < n; i++)
		if (check_chunk(p->fds[i], chunk_size(size, i)) < 0)
			return -EPROTO;
	fds = need(calloc(n, sizeof(*fds)), n);
	for (size_t i = 0; i < n; i++)
		fds[i] = parcel_take_fd(p, i);
	*ret = new_content(size, STR_NONE, fds, n);
	return 0;
}

void
content_wire_of(const struct content *c, struct content_wire *ret_wire,
    const int **ret_fds, size_t *ret_nfds)
{
	*ret_wire = (struct content_wire){
	    .inline_bytes = c->nfds == 0 ? str_n(c->bytes, c->size) : STR_NONE,
	    .size = c->size,
	};
	*ret_fds = c->fds;
	*ret_nfds = c->nfds;
}

struct content *
content_ref(struct content *c)
{
	c->refs++;
	return c;
}

void
content_unref(struct content **cp)
{
	struct content *c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0)
		return;
	for (size_t i = 0; i < c->nfds; i++) {
		if (c->maps[i] != NULL)
			munmap(c->maps[i], chunk_size(c->size, i));
		fd_close(&c->fds[i]);
	}
	free(c->maps);
	free(c->fds);
	free(c->bytes);
	free(c);
}

size_t
content_size(const struct content *c)
{
	return c->size;
}

size_t
content_fds(const struct content *c)
{
	return c->nfds;
}

ssize_t
content_read(const struct content *c, size_t at, void *bytes, size_t n)
{
	char *out = bytes;
	size_t left;

	if (at >= c->size)
		return 0;
	if (n > c->size - at)
		n = c->size - at;
	if (c->nfds == 0) {
		memcpy(out, c->bytes + at, n);
		return (ssize_t)n;
	}
	for (left = n; left > 0;) {
		size_t i = at / CONTENT_CHUNK, in = at % CONTENT_CHUNK;
		size_t part = chunk_size(c->size, i) - in;
		int r;

		if (part > left)
			part = left;
		r = fd_pread_all(c->fds[i], out, part, (off_t)in);
		if (r < 0)
			return r;
		out += part;
		at += part;
		left -= part;
	}
	return (ssize_t)n;
}

int
content_view(struct content *c, size_t at, struct str *ret)
{
	size_t i = at / CONTENT_CHUNK, in = at % CONTENT_CHUNK;
	size_t size;

	if (at >= c->size) {
		*ret = STR_NONE;
		return 0;
	}
	if (c->nfds == 0) {
		*ret = str_n(c->bytes + at, c->size - at);
		return 0;
	}
	size = chunk_size(c->size, i);
	if (c->maps[i] == NULL) {
		void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, c->fds[i], 0);

		if (p == MAP_FAILED)
			return -errno;
		c->maps[i] = p;
	}
	*ret = str_n(c->maps[i] + in, size - in);
	return 0;
}

int
content_write_to(struct content *c, int fd, size_t from)
{
	struct str view;
	int r;

	for (;; from += view.len) {
		r = content_view(c, from, &view);
		if (r < 0 || view.len == 0)
			return r;
		r = fd_write_all(fd, view.p, view.len);
		if (r < 0)
			return r;
	}
}

size_t
content_header_size(struct content *c)
{
	bool at_line = true; /* the next byte begins a line */
	struct str view;

	for (size_t base = 0; base < c->size; base += view.len) {
		size_t at = 0;

		if (content_view(c, base, &view) < 0)
			return c->size;
		while (at < view.len) {
			ptrdiff_t eol;

			if (at_line && view.p[at] == '\n')
				return base + at + 1;
			eol = str_find(str_from(view, at), '\n');
			at_line = eol >= 0;
			at = eol < 0 ? view.len : at + (size_t)eol + 1;
		}
	}
	return c->size;
}
