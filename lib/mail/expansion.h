/* SPDX-License-Identifier: ISC */
/*
 * expansion - virtual_alias_maps: one recipient becomes those that the tables
 * name, and they again, until an address is not in a table or names itself.
 * An extension that no key had is carried over ("joe+x" to "ann" gives
 * "ann+x"); "@other.example" on the right keeps the local part.
 *
 * Bounds: virtual_alias_expansion_limit addresses, and
 * virtual_alias_recursion_limit steps to any of them; beyond, the tables are
 * taken to be broken and mail waits until they are mended.
 */
#ifndef MAIL_EXPANSION_H
#define MAIL_EXPANSION_H

#include "base/arena.h"
#include "base/find.h"
#include "mail/addr.h"
#include "mail/conf.h"
#include "mail/rewrite.h"
#include "mail/route.h"

struct expansion;

/* Borrows all.  NULL with `why`. */
struct expansion *expansion_new(const struct conf *c, struct router *r,
    const struct dict_env *env, struct buf *why);
void expansion_free(struct expansion **x);

typedef void (*expansion_each_fn)(void *arg, struct addr a);

/*
 * Calls `each` for every address that `rcpt` becomes; itself when it is in no
 * table.  The addresses live until `each` returns.  FIND_YES; FIND_RETRY,
 * FIND_BROKEN with *ret_why (a static text): then `each` was not called.
 */
enum find expansion_run(struct expansion *x, struct addr rcpt,
    expansion_each_fn each, void *arg, const char **ret_why);

#endif
