/* SPDX-License-Identifier: ISC */
/*
 * checkers - what AddressSanitizer and valgrind must be told: of stacks that
 * they did not see being made, and of what they take for wrong.  All of it is
 * nothing in a plain build (valgrind's requests are a few instructions that do
 * nothing outside it).
 */
#ifndef BASE_CHECKERS_H
#define BASE_CHECKERS_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHECKERS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKERS_ASAN 1
#endif
#endif

#ifdef CHECKERS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* At most once a program, outside functions: AddressSanitizer does not judge
 * what libc's function `name` is given. */
#ifdef CHECKERS_ASAN
const char *__asan_default_suppressions(void);
#define CHECKERS_TRUST(name)                                                   \
	const char *__asan_default_suppressions(void)                          \
	{                                                                      \
		return "interceptor_name:" name "\n";                          \
	}
#else
#define CHECKERS_TRUST(name)
#endif

/* Pointers may live there. */
static inline void
checkers_add_slab(char *low, size_t size)
{
#ifdef CHECKERS_ASAN
	__lsan_register_root_region(low, size);
#endif
	(void)low;
	(void)size;
}

/* A part of it is a stack. */
static inline void
checkers_add_stack(char *low, size_t size)
{
#ifdef HAVE_VALGRIND
	VALGRIND_STACK_REGISTER(low, low + size - 1);
#endif
	(void)low;
	(void)size;
}

/* What an earlier user of a stack left in it means nothing any more. */
static inline void
checkers_renew_stack(char *low, size_t size)
{
#ifdef CHECKERS_ASAN
	__asan_unpoison_memory_region(low, size);
#endif
#ifdef HAVE_VALGRIND
	VALGRIND_MAKE_MEM_UNDEFINED(low, size);
#endif
	(void)low;
	(void)size;
}

/* Before a switch to another stack.  ret_fake NULL: this one has ended. */
static inline void
checkers_leave(void **ret_fake, const char *to_low, size_t to_size)
{
#ifdef CHECKERS_ASAN
	__sanitizer_start_switch_fiber(ret_fake, to_low, to_size);
#endif
	(void)ret_fake;
	(void)to_low;
	(void)to_size;
}

/* After it, on the new stack; tells which one was left. */
static inline void
checkers_arrive(void *fake, const void **ret_from_low, size_t *ret_from_size)
{
#ifdef CHECKERS_ASAN
	__sanitizer_finish_switch_fiber(fake, ret_from_low, ret_from_size);
#endif
	(void)fake;
	(void)ret_from_low;
	(void)ret_from_size;
}

#endif
