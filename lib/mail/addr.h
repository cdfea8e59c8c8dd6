/* SPDX-License-Identifier: ISC */
/*
 * addr - a mail address (RFC 5321 section 4.1.2, RFC 5322 section 3.4).
 *
 * Kept in one form: the local part unquoted (as Postfix's internal form), an
 * '@', the domain as it was written.  The empty address is the null sender.
 * A struct addr cannot be invalid: it comes from a parser here, which
 * refuses control bytes, lengths beyond RFC 5321 section 4.5.3.1 (local part
 * ADDR_LOCAL_MAX, domain ADDR_DOMAIN_MAX) and what is not an address.  Bytes
 * above 0x7f are UTF-8 (RFC 6531) or refused.
 */
#ifndef MAIL_ADDR_H
#define MAIL_ADDR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define ADDR_LOCAL_MAX  256 /* the RFC's 64, and what lists with VERP need */
#define ADDR_DOMAIN_MAX 255
#define ADDR_MAX        (ADDR_LOCAL_MAX + 1 + ADDR_DOMAIN_MAX)

struct addr {
	struct str text;   /* local@domain, or local alone, or empty */
	struct str local;  /* into text */
	struct str domain; /* into text; empty when there is none */
};

/* The internal form (local part not quoted; the last '@' divides). */
int addr_parse(struct str s, struct addr *ret);

/*
 * A path of MAIL FROM or RCPT TO at the front of `s`: "<...>", with a source
 * route (dropped, RFC 5321 section 3.6.1), a quoted local part, an address
 * literal.  Without <> when `strict` is false.  *ret_used bytes were taken.
 * The addr lies in `a`.  0 or -EINVAL with *ret_why.
 */
int addr_parse_path(struct str s, bool strict, struct arena *a,
    struct addr *ret, size_t *ret_used, const char **ret_why);

/* All addresses of a header's value (To, Cc ...): groups, comments, routes,
 * display names are understood and dropped.  Calls `each` for every address
 * as written inside (may lack a domain).  At most `max`; the count or
 * -EINVAL / -E2BIG. */
typedef void (*addr_each_fn)(void *arg, struct addr a, struct str name);
int addr_parse_list(struct str value, size_t max, struct arena *a,
    addr_each_fn each, void *arg);

/* Append the value with what its addresses lack: "@origin" without a domain,
 * ".mydomain" where the domain has no dot (each only if not empty).  All else
 * stays as written.  0; -EINVAL: not a list of addresses; -EMSGSIZE. */
int addr_complete_list(
    struct str value, struct str origin, struct str mydomain, struct buf *out);

/*
 * Append the value with other addresses in place of those for which `map` says
 * true, with *ret.  All else stays as written.  `scratch` holds one address at
 * a time, and is reset.  0; -EINVAL: not a list of addresses; -EMSGSIZE.
 */
typedef bool (*addr_map_fn)(
    void *arg, struct addr addr, struct arena *a, struct addr *ret);
int addr_map_list(struct str value, struct arena *scratch, addr_map_fn map,
    void *arg, struct buf *out);

/* Append with the local part quoted where RFC 5321 wants it. */
int addr_format(struct addr a, struct buf *out);

/* "user+ext" at one of `delimiters`: false, and all in ret_user, if none.
 * Never splits postmaster, mailer-daemon, double-bounce, owner-..., -request
 * (with delimiter '-'). */
bool addr_split_ext(struct str local, struct str delimiters,
    struct str *ret_user, struct str *ret_ext);

bool addr_is_null(struct addr a);
bool addr_eq(struct addr a, struct addr b); /* ASCII case ignored */

/* Domain names: letters, digits, hyphens, dots (and UTF-8 when allowed). */
bool addr_is_domain(struct str s);
bool addr_is_literal(struct str s); /* "[...]" */

#endif
