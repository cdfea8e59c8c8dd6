/* SPDX-License-Identifier: ISC */
/* Any bytes as a file in maildrop/: refused, or a message whose content is
 * what stands behind its head. */
#include "mail/maildrop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A folder of its own, gone when the process ends as far as it can be. */
static char path[] = "/tmp/fuzz_maildrop.XXXXXX";

static void
remove_directory(void)
{
	char file[64];

	snprintf(file, sizeof(file), "%s/x", path);
	unlink(file);
	rmdir(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir = -1;
	struct maildrop_file f;
	const char *why = NULL;
	char block[64];
	int fd, r;

	if (dir < 0) {
		assert(mkdtemp(path) != NULL);
		atexit(remove_directory);
		dir = open(path, O_RDONLY | O_DIRECTORY);
	}
	fd = openat(dir, "x", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	r = maildrop_open(dir, "x", &f, &why);
	assert(r == 0 || (r == -EPROTO && why != NULL));
	if (r == 0) {
		assert(f.message.content.size <= size);
		assert(maildrop_read(&f, 0, block, sizeof(block)) <=
		       (ssize_t)f.message.content.size);
		maildrop_close(&f);
	}
	return 0;
}
