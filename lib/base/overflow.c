/* SPDX-License-Identifier: ISC */
/*
 * overflow - a task that runs into the guard page of its stack is named in
 * the log before the process ends of it.  The handler has a stack of its own.
 */
#include "base/log.h"
#include "base/stack.h"
#include "base/task_impl.h"

#include <errno.h>
#include <signal.h>

#define HANDLER_STACK (64 * 1024)

static struct sigaction before;
static char handler_stack[HANDLER_STACK];

static void
on_fault(int signo, siginfo_t *info, void *context)
{
	char *top = stack_of_guard(info->si_addr);

	(void)context;
	if (top != NULL) {
		log_error("task %s overflowed its stack of %d KiB",
		    task_name_by_top(top), TASK_STACK / 1024);
		log_flush();
	}
	/* The fault comes again when this returns, and ends the process. */
	sigaction(signo, &before, NULL);
}

int
overflow_watch(void)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t stack, old;

	if (sigaltstack(NULL, &old) < 0)
		return -errno;
	if ((old.ss_flags & SS_DISABLE) != 0) { /* else a sanitizer's */
		stack = (stack_t){
		    .ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
		if (sigaltstack(&stack, NULL) < 0)
			return -errno;
	}
	if (sigaction(SIGSEGV, NULL, &before) < 0)
		return -errno;
	if ((before.sa_flags & SA_SIGINFO) != 0 &&
	    before.sa_sigaction == on_fault)
		before = (struct sigaction){.sa_handler = SIG_DFL};
	a.sa_sigaction = on_fault;
	return sigaction(SIGSEGV, &a, NULL) < 0 ? -errno : 0;
}
