/* SPDX-License-Identifier: ISC */
/* secret - bytes of which no copy is left behind. */
#include "secret.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void
secret_init(struct buf *b, size_t max)
{
	buf_init(b, max);
	buf_room(b, max);
}

int
secret_read(int fd, size_t max, struct buf *ret)
{
	struct stat st;
	int e;

	secret_init(ret, max);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((size_t)st.st_size > max)
		return -EFBIG;
	e = fd_pread_all(fd, ret->p, (size_t)st.st_size, 0);
	if (e == 0)
		buf_grew(ret, (size_t)st.st_size);
	return e;
}

void
secret_done(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->cap);
	buf_done(b);
}
