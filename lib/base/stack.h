/* SPDX-License-Identifier: ISC */
/*
 * stack - stacks for tasks: TASK_STACK bytes of address space each, the
 * lowest page of which is a guard.  Mapped in slabs, never unmapped; a stack
 * that is given back keeps its pages while there are few such, and loses them
 * otherwise.  A stack is named by its top, the address behind its last byte.
 */
#ifndef BASE_STACK_H
#define BASE_STACK_H

#include <stdbool.h>
#include <stddef.h>

char *stack_get(void); /* out of memory ends the process */
void stack_put(char *top);
void stack_trim(char *top, char *below); /* give pages under `below` back */
void stack_put_all(void);                /* after a fork: all are free */

char *stack_low(char *top);
size_t stack_size(void); /* from low to top */

/*
 * The stack whose guard page `address` is in, NULL: no guard page.  May be
 * called in a signal handler.
 */
char *stack_of_guard(const void *address);

#endif
