/* SPDX-License-Identifier: ISC */
/* Bytes as the only file there is, for the targets that read tables. */
#ifndef T_FUZZ_TABLE_H
#define T_FUZZ_TABLE_H

#include "dict/dict.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct table_bytes {
	const uint8_t *data;
	size_t size;
};

static inline int
table_open_bytes(void *arg, const char *path)
{
	const struct table_bytes *b = arg;
	int fd = memfd_create("table", MFD_CLOEXEC);

	(void)path;
	assert(fd >= 0);
	assert(write(fd, b->data, b->size) == (ssize_t)b->size);
	return fd;
}

static inline void
table_count_pair(void *arg, struct str key, struct str value)
{
	*(size_t *)arg += key.len + value.len;
}

/* Opens it as `spec`, asks for some keys, walks through it. */
static inline void
table_try(const char *spec, const uint8_t *data, size_t size,
    const struct str *keys, size_t n)
{
	struct table_bytes bytes = {data, size};
	struct dict_env env = {.open = table_open_bytes,
	    .arg = &bytes,
	    .default_type = STR("cdb")};
	struct str value;
	size_t sum = 0;
	struct arena a;
	struct buf why;
	struct dict *d;

	buf_init(&why, 4096);
	arena_init(&a, 1 << 20);
	d = dict_open(&env, str_c(spec), &why);
	assert((d == NULL) == (why.len > 0));
	for (size_t i = 0; d != NULL && i < n; i++) {
		arena_reset(&a);
		if (dict_get(d, keys[i], &a, &value) == FIND_YES)
			assert(value.len <= DICT_VALUE_MAX);
	}
	if (d != NULL)
		dict_each(d, table_count_pair, &sum);
	dict_free(&d);
	arena_done(&a);
	buf_done(&why);
}

#endif
