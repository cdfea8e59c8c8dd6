/* SPDX-License-Identifier: ISC */
/*
 * faulty - a program of the suite that does what a sanitizer reports, behind
 * its own walls.  Preloaded, built with the sanitizers; in the program that
 * $FAULTY_PROGRAM names, or the one that is user $FAULTY_UID, the first wait
 * for events reads behind a block ($FAULTY: address) or overflows an int.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char *fault, *program, *uid;
static volatile int sink, one = 1;

__attribute__((constructor)) static void
read_orders(void)
{
	fault = getenv("FAULTY");
	program = getenv("FAULTY_PROGRAM");
	uid = getenv("FAULTY_UID");
}

static int
is_meant(void)
{
	if (uid != NULL)
		return geteuid() == (uid_t)atoi(uid);
	return program != NULL &&
	       strcmp(program, program_invocation_short_name) == 0;
}

static void
do_wrong(void)
{
	volatile char *block = malloc(10);

	if (strcmp(fault, "address") == 0)
		sink = block[10 * one];
	else
		sink = INT_MAX + one;
	free((void *)block);
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	static int done;
	int (*real)(int, struct epoll_event *, int, int) =
	    dlsym(RTLD_NEXT, "epoll_wait");

	if (!done && fault != NULL && is_meant()) {
		done = 1;
		do_wrong();
	}
	return real(fd, events, most, timeout);
}
