/* SPDX-License-Identifier: ISC */
/*
 * fiber - a second stack to run on, and the switch between stacks.
 *
 * One of two files is used: fiber_x86_64.c, which switches without a system
 * call, or fiber_ucontext.c, for other machines (and with -Ducontext=true).
 * The tests of tasks run with both.  Only task.c uses this.
 */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

struct fiber {
	void *sp; /* while it does not run: where its registers are kept */
};

/*
 * The first switch to `f` calls entry() on the stack that ends at `top` (16
 * byte aligned); entry never returns.
 */
void fiber_init(struct fiber *f, void *top, void (*entry)(void));
void fiber_switch(struct fiber *from, const struct fiber *to);

/* Nothing below this address is in use by a fiber that does not run. */
char *fiber_low(const struct fiber *f);

#endif
