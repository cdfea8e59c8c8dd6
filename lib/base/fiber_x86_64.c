/* SPDX-License-Identifier: ISC */
/*
 * fiber_x86_64 - the switch for the System V ABI of x86-64: what a called
 * function must keep (rbp, rbx, r12 to r15) goes onto the old stack and comes
 * from the new one.  The control words of the FPU are never changed by the
 * suite and are not kept; neither is the signal mask, which is the process's.
 */
#include "base/fiber.h"

#include <stdint.h>
#include <string.h>

#define SAVED 6 /* registers that fiber_swap pushes */

void fiber_swap(void **ret_old_sp, void *new_sp);

__asm__(".text\n"
	".align 16\n"
	".globl fiber_swap\n"
	".hidden fiber_swap\n"
	".type fiber_swap, @function\n"
	"fiber_swap:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size fiber_swap, . - fiber_swap\n");

void
fiber_init(struct fiber *f, void *top, void (*entry)(void))
{
	/* The registers, entry as the address to return to, and an empty
	 * return address for entry itself, where a debugger stops. */
	uintptr_t frame[SAVED + 2] = {0};

	frame[SAVED] = (uintptr_t)entry;
	f->sp = (char *)top - sizeof(frame);
	memcpy(f->sp, frame, sizeof(frame));
}

void
fiber_switch(struct fiber *from, const struct fiber *to)
{
	fiber_swap(&from->sp, to->sp);
}

char *
fiber_low(const struct fiber *f)
{
	return f->sp;
}
