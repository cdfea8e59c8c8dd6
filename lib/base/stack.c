/* SPDX-License-Identifier: ISC */
/* stack - slabs of stacks.  Owns the slabs and two piles of free stacks. */
#include "base/stack.h"

#include "base/checkers.h"
#include "base/log.h"
#include "base/task.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLAB     32 /* stacks */
#define WARM_MAX 64 /* free stacks that keep their pages */

static struct {
	size_t page;
	char **slabs;
	size_t nslabs;
	char **warm, **cold; /* tops; each pile has room for all stacks */
	size_t nwarm, ncold;
} s;

size_t
stack_size(void)
{
	return TASK_STACK - s.page;
}

char *
stack_low(char *top)
{
	return top - stack_size();
}

static char **
grow_pile(char **pile)
{
	char **p = reallocarray(pile, (s.nslabs + 1) * SLAB, sizeof(*pile));

	if (p == NULL)
		log_fatal("out of memory for stacks");
	return p;
}

static void
add_slab(void)
{
	char **slabs, *slab;

	s.page = (size_t)sysconf(_SC_PAGESIZE);
	slabs = reallocarray(s.slabs, s.nslabs + 1, sizeof(*slabs));
	if (slabs == NULL)
		log_fatal("out of memory for stacks");
	s.slabs = slabs;
	s.warm = grow_pile(s.warm);
	s.cold = grow_pile(s.cold);
	slab = mmap(NULL, SLAB * TASK_STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (slab == MAP_FAILED)
		log_fatal("cannot map stacks: %s", strerror(errno));
	checkers_add_slab(slab, SLAB * TASK_STACK);
	for (size_t i = SLAB; i-- > 0;) {
		char *guard = slab + i * TASK_STACK;

		if (mprotect(guard, s.page, PROT_NONE) < 0)
			log_fatal("cannot guard a stack: %s", strerror(errno));
		checkers_add_stack(guard + s.page, stack_size());
		s.cold[s.ncold++] = guard + TASK_STACK;
	}
	s.slabs[s.nslabs++] = slab;
}

char *
stack_get(void)
{
	char *top;

	if (s.nwarm + s.ncold == 0)
		add_slab();
	top = s.nwarm > 0 ? s.warm[--s.nwarm] : s.cold[--s.ncold];
	checkers_renew_stack(stack_low(top), stack_size());
	return top;
}

void
stack_put(char *top)
{
	if (s.nwarm < WARM_MAX) {
		s.warm[s.nwarm++] = top;
		return;
	}
	stack_trim(top, top);
	s.cold[s.ncold++] = top;
}

void
stack_trim(char *top, char *below)
{
	char *low = stack_low(top);
	char *end = below - (uintptr_t)below % s.page;

	if (end > low)
		madvise(low, (size_t)(end - low), MADV_DONTNEED);
}

void
stack_put_all(void)
{
	s.nwarm = 0;
	s.ncold = 0;
	for (size_t i = 0; i < s.nslabs * SLAB; i++)
		s.cold[s.ncold++] =
		    s.slabs[i / SLAB] + (i % SLAB + 1) * TASK_STACK;
}

char *
stack_of_guard(const void *address)
{
	for (size_t i = 0; i < s.nslabs; i++) {
		size_t at =
		    (size_t)((uintptr_t)address - (uintptr_t)s.slabs[i]);

		if (at < SLAB * TASK_STACK && at % TASK_STACK < s.page)
			return s.slabs[i] + (at / TASK_STACK + 1) * TASK_STACK;
	}
	return NULL;
}
