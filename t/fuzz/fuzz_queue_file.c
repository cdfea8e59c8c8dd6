/* SPDX-License-Identifier: ISC */
/* Any bytes as a queue file, and as the progress in one, which a check guards
 * there: refused, or read whole. */
#include "base/file.h"
#include "mail/queue/queue_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(int fd)
{
	struct queue_file f;
	struct envelope e;
	struct progress p;
	struct content *c = NULL;
	struct arena a;
	const char *why = NULL;

	arena_init(&a, 0);
	if (queue_file_read(fd, &a, &f, &e, &p, &why) == 0) {
		assert(p.n == e.recipients.n);
		if (queue_file_content(fd, &f, &c) == 0)
			assert(content_size(c) == e.size);
		content_unref(&c);
	} else {
		assert(why != NULL);
	}
	arena_done(&a);
}

static void
decode_progress(struct str bytes)
{
	struct arena a;
	struct progress p;
	struct buf b;
	uint64_t serial;
	const char *why;

	arena_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	progress_init(&p, 3, &a);
	if (progress_decode(&p, bytes, &serial, &why) == 0) {
		assert(p.left <= p.n);
		assert(progress_encode(&p, serial, 1 << 20, &b) == 0);
	}
	buf_done(&b);
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	decode_progress(str_n((const char *)data, size));
	if (fd < 0)
		return 0;
	if (fd_write_all(fd, data, size) == 0)
		read_all(fd);
	close(fd);
	return 0;
}
