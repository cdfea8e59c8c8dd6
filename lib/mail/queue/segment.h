/* SPDX-License-Identifier: ISC */
/*
 * segment - a preallocated file of the journal, and the header that makes an
 * incarnation of it.
 *
 * The header stands twice, SEGMENT_HEADER_AT apart, so that a flipped bit in
 * one does not lose the records behind.  Records begin at SEGMENT_DATA.
 */
#ifndef MAIL_QUEUE_SEGMENT_H
#define MAIL_QUEUE_SEGMENT_H

#include "base/buf.h"
#include "base/siphash.h"
#include "mail/queue/disk.h"
#include "mail/queue/record.h"

#include <stdbool.h>
#include <stdint.h>

#define SEGMENT_VERSION   2
#define SEGMENT_PAGE      4096
#define SEGMENT_HEADERS   2
#define SEGMENT_HEADER_AT SEGMENT_PAGE
#define SEGMENT_DATA      (SEGMENT_HEADERS * SEGMENT_HEADER_AT)
#define SEGMENT_SIZE_MIN  (16 * 1024)
#define SEGMENT_SIZE      (16 * 1024 * 1024)
#define SEGMENT_SIZE_MAX  (256 * 1024 * 1024)

struct segment_header {
	uint64_t sequence;   /* of this incarnation; never the same again */
	uint64_t oldest;     /* the oldest sequence that counted then */
	uint64_t generation; /* of ids: below this may have been given out */
	uint32_t size;       /* of the file */
	struct siphash_key key;
};

/* SEGMENT_DATA bytes: both copies. */
void segment_format_header(
    const struct segment_header *h, unsigned char ret_bytes[SEGMENT_DATA]);

/*
 * From the first SEGMENT_DATA bytes of a file, the better copy: 0; -ENODATA
 * when all is zero (never used); -EPROTONOSUPPORT, a version we do not know;
 * -EBADMSG, neither copy is whole.
 */
int segment_parse_header(
    const unsigned char bytes[SEGMENT_DATA], struct segment_header *ret);

/*
 * Walk the records behind the header in `all` (the whole file).  `each` is
 * called for every good record, `bad` (may be NULL) for every run of bytes
 * that was ours and is not whole: `is_tail` when nothing shows that it had
 * been flushed.  A negative answer of `each` ends the walk and is returned.
 */
struct segment_walk {
	int (*each)(void *arg, uint32_t offset, const struct record *r);
	void (*bad)(void *arg, uint32_t offset, struct str bytes, bool is_tail);
	void *arg;
};
int segment_walk(const struct segment_header *h, struct str all,
    const struct segment_walk *walk);

/*
 * The whole file into `b`, as far as it can be read: pages that the disk does
 * not give come out as zeros and are counted in *ret_lost.
 */
int segment_read(int fd, uint32_t size, struct buf *b, size_t *ret_lost);

#endif
