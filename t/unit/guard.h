/* SPDX-License-Identifier: ISC */
/*
 * guard - input that ends where the memory ends: a parser that reads one
 * byte too many dies in the test instead of in the field.
 */
#ifndef T_GUARD_H
#define T_GUARD_H

#include "base/str.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A copy of `s`, the byte behind it unreadable.  Unmap with guard_free(). */
static inline struct str
guard_copy(struct str s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (s.len + page) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(p != MAP_FAILED);
	assert(mprotect(p + room, page, PROT_NONE) == 0);
	if (s.len > 0)
		memcpy(p + room - s.len, s.p, s.len);
	return (struct str){p + room - s.len, s.len};
}

static inline void
guard_free(struct str s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (s.len + page) / page * page;
	const char *start = s.p + s.len - room;

	munmap((void *)(uintptr_t)start, room + page);
}

#endif
