/* SPDX-License-Identifier: ISC */
/*
 * plain - text that came from the net, shown on a terminal.
 *
 * SECURITY: control characters, and bytes that are no UTF-8 (a terminal may
 * take 0x9b for an escape), come out as '?', so that nobody's address or reply
 * moves a cursor or sets a title.
 */
#ifndef TOOLS_PLAIN_H
#define TOOLS_PLAIN_H

#include "base/str.h"

#include <stdio.h>

void plain_print(FILE *out, struct str s);

/* The first `width` characters of UTF-8 text; 0: all. */
struct str plain_cut(struct str s, unsigned width);

#endif
