/* SPDX-License-Identifier: ISC */
/* buf - bytes that grow up to a maximum.  Owns its memory. */
#include "base/buf.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an empty buffer points to: a NUL that nothing ever writes. */
static char empty[1];

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.p = empty, .max = max};
}

void
buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){.p = empty, .max = max, .is_secret = true};
}

static void
free_memory(struct buf *b)
{
	if (b->cap == 0)
		return;
	if (b->is_secret)
		explicit_bzero(b->p, b->cap);
	free(b->p);
}

void
buf_done(struct buf *b)
{
	free_memory(b);
	*b = (struct buf){.p = empty, .max = b->max, .is_secret = b->is_secret};
}

void
buf_reset(struct buf *b)
{
	buf_cut(b, 0);
	b->full = false;
}

/* What it held, in `cap` bytes of memory. */
static char *
change_memory(struct buf *b, size_t cap)
{
	char *p =
	    b->is_secret ? malloc(cap) : realloc(b->cap > 0 ? b->p : NULL, cap);

	if (p == NULL)
		log_fatal("out of memory for a buffer of %zu bytes", cap);
	if (b->is_secret) {
		memcpy(p, b->p, b->len);
		free_memory(b);
	}
	return p;
}

static bool
grow(struct buf *b, size_t n)
{
	size_t need, cap = b->cap < 64 ? 64 : b->cap;

	if (n > b->max - b->len) {
		b->full = true;
		return false;
	}
	need = b->len + n + 1;
	while (cap < need)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	b->p = change_memory(b, cap);
	b->cap = cap;
	b->p[b->len] = '\0';
	return true;
}

/* Make room for `n` more bytes and the NUL. */
static inline bool
make_room(struct buf *b, size_t n)
{
	return n < b->cap - b->len || grow(b, n);
}

int
buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (!make_room(b, n))
		return -EMSGSIZE;
	memcpy(b->p + b->len, bytes, n);
	b->len += n;
	b->p[b->len] = '\0';
	return 0;
}

int
buf_add_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.len);
}

int
buf_add_c(struct buf *b, const char *c)
{
	return buf_add(b, c, strlen(c));
}

int
buf_add_shown(struct buf *b, struct str s)
{
	int r = 0;

	while (s.len > 0 && r == 0) {
		size_t n = str_shown_len(s);

		r = n > 0 ? buf_add(b, s.p, n) : buf_add_char(b, '?');
		s = str_from(s, n > 0 ? n : 1);
	}
	return r;
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(room > 0 ? b->p + b->len : NULL, room, fmt, again);
	va_end(again);
	assert(n >= 0);
	if ((size_t)n >= room) {
		if (room > 0)
			b->p[b->len] = '\0';
		if (!grow(b, (size_t)n))
			return -EMSGSIZE;
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	}
	b->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return r;
}

char *
buf_room(struct buf *b, size_t n)
{
	return make_room(b, n) ? b->p + b->len : NULL;
}

void
buf_grew(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	assert(b->cap - b->len > n);
	b->len += n;
	b->p[b->len] = '\0';
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n);
	buf_cut(b, b->len - n);
}

void
buf_cut(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->cap > 0)
		b->p[len] = '\0';
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){b->p, b->len};
}
