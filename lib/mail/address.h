/* SPDX-License-Identifier: ISC */
/*
 * address - an address as a key: the steps in which every address table of
 * main.cf is asked.  In this order: user+ext@domain, user@domain, and when
 * the domain is one of this host's, user+ext, user; last @domain.  Tables of
 * patterns are asked for the whole address alone.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/find.h"
#include "dict/dict.h"
#include "mail/addr.h"

struct address_rule {
	struct str delimiters; /* recipient_delimiter */
	/* Is the domain one whose users are known by their name alone? */
	enum find (*is_local)(void *arg, struct str domain, struct arena *a);
	void *arg;
};

/*
 * FIND_YES with *ret_value (in `a`), and in *ret_ext the extension that was
 * not part of the key that was found ("" when it was, or there is none), with
 * its delimiter in front.  ret_ext may be NULL.
 */
enum find address_find(const struct address_rule *rule, struct maps *m,
    struct addr addr, struct arena *a, struct str *ret_value,
    struct str *ret_ext);

#endif
