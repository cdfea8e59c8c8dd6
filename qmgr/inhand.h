/* SPDX-License-Identifier: ISC */
/*
 * inhand - which message we are looking at, written where a crash leaves it:
 * a page shared with the file journal/inhand, so that no system call and no
 * flush is spent on it.  A start that finds an id there counts; at the second
 * count the message is for a person to look at.
 */
#ifndef QMGR_INHAND_H
#define QMGR_INHAND_H

#include "base/str.h"

#include <stdbool.h>

struct inhand;

/* Never fails: without the file nothing is remembered, which is logged.  It
 * stays until the process ends. */
struct inhand *inhand_open(int dirfd);

/* Was this one in hand at two crashes? */
bool inhand_is_poison(const struct inhand *h, struct str id);

void inhand_set(struct inhand *h, const char *id);
void inhand_clear(struct inhand *h);

#endif
