/* SPDX-License-Identifier: ISC */
/*
 * term - a terminal: its screen for us while it is open, as it was before
 * when the process ends, and its keys.
 */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include "base/str.h"

#include <stdbool.h>

enum key {
	KEY_NONE, /* bytes that are no key of ours */
	KEY_CHAR, /* a printable one */
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_ENTER,
	KEY_ESCAPE,
};

/* Standard input and output are one: false when they are not, or cannot be
 * set.  Once a process; exit(3) gives the screen back. */
bool term_open(void);
void term_close(void);

/* Columns and lines. */
void term_size(unsigned *ret_width, unsigned *ret_height);

/* Take the next key off the front of *in, which is not empty. */
enum key term_key(struct str *in, char *ret_char);

#endif
