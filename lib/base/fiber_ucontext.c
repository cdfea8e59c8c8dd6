/* SPDX-License-Identifier: ISC */
/*
 * fiber_ucontext - the switch by the C library, three system calls each (the
 * signal mask).  The context of a fiber that does not run lies on its own
 * stack.
 */
#include "base/fiber.h"

#include "base/log.h"
#include "base/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

/* What swapcontext and the frame that calls it may have below the context. */
#define BELOW 1024

void
fiber_init(struct fiber *f, void *top, void (*entry)(void))
{
	ucontext_t *c = (ucontext_t *)top - 1;

	if (getcontext(c) < 0)
		log_fatal("getcontext: %s", strerror(errno));
	c->uc_stack.ss_sp = (char *)top - TASK_STACK / 2;
	c->uc_stack.ss_size = (size_t)((char *)c - (char *)c->uc_stack.ss_sp);
	c->uc_link = NULL;
	makecontext(c, entry, 0);
	f->sp = c;
}

void
fiber_switch(struct fiber *from, const struct fiber *to)
{
	ucontext_t here, *there = to->sp;

	/* The signal mask is the process's, not the fiber's. */
	if (sigprocmask(SIG_SETMASK, NULL, &there->uc_sigmask) < 0)
		log_fatal("sigprocmask: %s", strerror(errno));
	from->sp = &here;
	if (swapcontext(&here, there) < 0)
		log_fatal("swapcontext: %s", strerror(errno));
}

char *
fiber_low(const struct fiber *f)
{
	return (char *)f->sp - BELOW;
}
