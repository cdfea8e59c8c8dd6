/* SPDX-License-Identifier: ISC */
/*
 * drop - what waits in maildrop/ for pickup: as entries of a listing, and
 * removed.
 *
 * SECURITY: the files are users'; they are read by a process of its own that
 * is the directory's owner, as pickup is, and not root.
 */
#ifndef TOOLS_DROP_H
#define TOOLS_DROP_H

#include "inquiry.h"

/* 0: inquiry_next() gives them, inquiry_end() ends it; or -errno. */
int drop_list(const struct conf *c, struct inquiry_entries *ret);

/* Remove one that dirs_is_id() allows, or all there are ("ALL"): how many were,
 * or -errno. */
int drop_remove(const struct conf *c, struct str id);

#endif
