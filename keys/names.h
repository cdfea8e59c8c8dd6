/* SPDX-License-Identifier: ISC */
/*
 * names - the chains of server names that clients ask for (RFC 6066 section
 * 3): tls_server_sni_maps.
 *
 * A name is asked for as it is, then by the domains above it, each with its
 * dot in front: www.example.com, .example.com, .com.  A value is what postmap
 * -F made of the files (base64 of their PEM), or the names of those files:
 * keys, each with its chain behind it.
 *
 * What a value gave is kept, the last NAMES_KEPT: it is read anew after
 * names_renew(), and when that fails what it gave before stays.  KEYS_AFTER
 * later nothing else of before does.
 */
#ifndef KEYS_NAMES_H
#define KEYS_NAMES_H

#include "chain.h"

#include "base/find.h"
#include "dict/dict.h"

#define NAMES_KEPT 512

struct names;

struct names *names_new(void);
void names_free(struct names **n);

/* Other tables, or the same that may have changed; "" for none.  `env` as long
 * as they are asked. */
void names_renew(struct names *n, const struct dict_env *env, struct str tables,
    int64_t now);
bool names_is_empty(const struct names *n);

/* Wipe the keys that signed for long enough and are no name's last good one.
 * When to call again. */
int64_t names_tend(struct names *n, int64_t now);

/* FIND_YES with chains in *ret (for chain_list_done). */
enum find names_find(
    struct names *n, struct str name, time_t now, struct chain_list *ret);

/* A key of a chain that names_find() gave, of tables as they are or were until
 * KEYS_AFTER ago; NULL: none. */
struct chain *names_find_key(const struct names *n, struct str id, int64_t now);

#endif
