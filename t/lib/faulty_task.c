/* SPDX-License-Identifier: ISC */
/*
 * faulty_task - a task that reads what it never wrote, on a stack that an
 * earlier task had: valgrind must say so (reports.py).
 */
#include "base/task.h"

#include <stdio.h>

static volatile int sink;

static __attribute__((noinline)) void
write_frame(void)
{
	volatile int frame[64];

	for (int i = 0; i < 64; i++)
		frame[i] = 1;
	sink = frame[63];
}

static void
write_and_end(void *arg)
{
	(void)arg;
	write_frame();
	task_yield();
}

static __attribute__((noinline)) void
read_frame(void)
{
	__attribute__((uninitialized)) int frame[64];

	__asm__ volatile("" : : "r"(frame) : "memory"); /* as if it wrote */
	if (frame[32] != 0)
		puts("what is left of another");
}

static void
read_only(void *arg)
{
	(void)arg;
	read_frame();
}

int
main(void)
{
	if (loop_init() < 0)
		return 1;
	task_start(write_and_end, NULL);
	loop_run();
	task_start(read_only, NULL);
	loop_run();
	return 0;
}
