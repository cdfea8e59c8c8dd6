/* SPDX-License-Identifier: ISC */
/*
 * buf - bytes that grow, up to a maximum that is named when it is made.
 *
 * An add that would go over the maximum changes nothing, returns -EMSGSIZE
 * and sets `full`, so that a caller who adds in a row may look once at the
 * end.  `p` is always a valid C string, also when empty (`p[len]` is NUL;
 * the NUL is not counted in len or max).  Out of memory ends the process:
 * that is what the maximum is for.
 *
 *	struct buf b;
 *	buf_init(&b, 998);
 *	buf_add_str(&b, name);
 *	buf_addf(&b, ": %u", n);
 *	if (b.full)
 *		...
 *	buf_done(&b);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p;
	size_t len;
	size_t cap; /* 0: p is a static empty string */
	size_t max;
	bool full; /* an add was refused since init or reset */
	bool is_secret;
};

#define BUF_CLEANUP __attribute__((cleanup(buf_done)))

void buf_init(struct buf *b, size_t max); /* allocates nothing yet */
/* For a password: memory is wiped before it is given back. */
void buf_init_secret(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* frees; safe on zeroed memory */
void buf_reset(struct buf *b); /* empty, memory kept */

int buf_add(struct buf *b, const void *bytes, size_t n);
int buf_add_str(struct buf *b, struct str s);
int buf_add_c(struct buf *b, const char *c);
int buf_add_char(struct buf *b, char c);
/* `s`, with '?' for every byte that is none of what str_shown_len() takes. */
int buf_add_shown(struct buf *b, struct str s);
int buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/*
 * Room for `n` bytes behind the end, to be filled by the caller, who then
 * says with buf_grew() how many came.  NULL when n is over the maximum.
 */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

void buf_drop(struct buf *b, size_t n);  /* n bytes off the front, n <= len */
void buf_cut(struct buf *b, size_t len); /* back to `len` bytes */

struct str buf_str(const struct buf *b); /* borrowed, until the next change */

#endif
