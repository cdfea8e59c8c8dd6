/* SPDX-License-Identifier: ISC */
/*
 * content - a message's bytes as they travel: header and body, lines ended
 * by LF, as they would stand in a mailbox (but for what delivery prepends).
 *
 * A content is a value: once made it does not change, and nobody can change
 * what he was handed.  Up to CONTENT_INLINE bytes travel in the parcel; more
 * in sealed memfds of CONTENT_CHUNK bytes each (the last one shorter).  This
 * module alone knows the form: all others append, read at an offset, or walk
 * lines.  Descriptors are only ever read with an explicit offset or mapped.
 */
#ifndef MAIL_CONTENT_H
#define MAIL_CONTENT_H

#include "base/buf.h"
#include "base/chan.h"
#include "base/shape.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define CONTENT_INLINE (32 * 1024)
#define CONTENT_CHUNK  (256 * 1024)
#define CONTENT_MAX    ((size_t)CONTENT_CHUNK * CHAN_PARCEL_FDS)

struct content;

/* How it stands in a packet: the inline bytes, or the size of what is in the
 * parcel's descriptors (from `first_fd` on: all of them). */
struct content_wire {
	struct str inline_bytes;
	uint64_t size;
};
extern const struct shape content_wire_shape;

/* Making one. */
struct content_builder;
struct content_builder *content_builder_new(size_t max);
void content_builder_free(struct content_builder **b);
int content_append(struct content_builder *b, struct str bytes);
/* 0; -EMSGSIZE: over max, nothing was added; -ENOSPC, -EMFILE ...:
 * the builder is of no more use */
size_t content_builder_size(const struct content_builder *b);
/* Seals; the builder is gone.  NULL with errno set when sealing failed. */
struct content *content_finish(struct content_builder **b);
/* The same when filling it gave `r`: a failure (-errno) is that of finishing.
 */
struct content *content_finish_if(struct content_builder **b, int r);

struct content *content_from_str(struct str bytes); /* copies; NULL: errno */

/* `header` followed by all of `rest` (a copy).  NULL with errno set. */
struct content *content_prepend(struct str header, struct content *rest);

/*
 * From a parcel: takes its descriptors after checking count, seals (SEAL,
 * SHRINK, GROW, WRITE) and sizes.  -EPROTO: the sender broke the rules;
 * refuse with a temporary error.
 */
int content_receive(
    const struct content_wire *w, struct parcel *p, struct content **ret);
/* For a send: fills *ret_wire and points *ret_fds at the descriptors, both
 * good as long as `c`. */
void content_wire_of(const struct content *c, struct content_wire *ret_wire,
    const int **ret_fds, size_t *ret_nfds);

struct content *content_ref(struct content *c); /* shared, counted */
void content_unref(struct content **c);

size_t content_size(const struct content *c);
size_t content_fds(const struct content *c); /* descriptors held */

/* Up to `n` bytes at `at`; the count (0 at the end) or -errno. */
ssize_t content_read(const struct content *c, size_t at, void *bytes, size_t n);
/* A view of what is contiguous at `at` (mapped or inline), as much as there
 * is without copying; lives as long as `c`.  Empty at the end. */
int content_view(struct content *c, size_t at, struct str *ret);
/* All from `from` on to a file or pipe (that blocks): 0 or -errno. */
int content_write_to(struct content *c, int fd, size_t from);

/* Where the header ends: the offset of the first byte after the empty line,
 * or the size when there is none. */
size_t content_header_size(struct content *c);

#endif
