/* SPDX-License-Identifier: ISC */
/*
 * typed - a password from its owner: at the terminal, which does not show it,
 * or as a line of standard input.
 */
#ifndef TOOLS_TYPED_H
#define TOOLS_TYPED_H

#include "base/buf.h"

/* Into `ret`, a secret, as much as it may hold.  0, or one of sysexits.h with
 * *ret_why a static text. */
int typed_twice(struct buf *ret, const char **ret_why);
int typed_stdin(struct buf *ret, const char **ret_why);

#endif
