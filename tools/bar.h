/* SPDX-License-Identifier: ISC */
/*
 * bar - how far long work has come: a bar, a rate and the time that is left,
 * on standard error, when that is a terminal and the work lasts; else
 * nothing.
 *
 *	struct bar bar;
 *	bar_start(&bar, "messages", total);
 *	for (...)
 *		bar_show(&bar, n);
 *	bar_end(&bar);
 */
#ifndef TOOLS_BAR_H
#define TOOLS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
	const char *what;
	uint64_t total; /* 0: nobody knows; it may be less than there are */
	uint64_t done;
	int64_t started, drawn; /* mono, ns */
	bool is_terminal, is_shown;
};

void bar_start(struct bar *b, const char *what, uint64_t total);
void bar_show(struct bar *b, uint64_t done);
/* Before something else is written: the line is empty again. */
void bar_clear(struct bar *b);
void bar_end(struct bar *b);

#endif
