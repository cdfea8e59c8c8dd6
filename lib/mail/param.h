/* SPDX-License-Identifier: ISC */
/*
 * param - the table of main.cf parameters, from param.def.
 *
 * A row is PARAM(name, TYPE, default, min, max, users, sentence) for one that
 * works, and GONE(name, default, reason) for one of Postfix's that Valija
 * reads, shows in postconf and does not act on: `reason` says why and what
 * to use instead.  MOOT(name, default, reason) is one whose absence takes
 * nothing away.  All are known by name to every reader, so that a main.cf
 * written for Postfix is read whole.  Rows are sorted by name.
 *
 * The default is text as it would stand in main.cf, $names and all.
 *
 * Names that begin with the name of a transport of master.cf ("relay" in
 * relay_destination_recipient_limit) have no rows but for a few that Postfix
 * gives a default of their own; param_find_transport() knows their endings.
 */
#ifndef MAIL_PARAM_H
#define MAIL_PARAM_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type {
	PARAM_STR,  /* any text; min, max bound its length when max is set */
	PARAM_BOOL, /* yes, no */
	PARAM_INT,
	PARAM_SIZE,     /* bytes, perhaps with K, M or G behind the digits */
	PARAM_TIME,     /* digits and s m h d w; the bounds are seconds */
	PARAM_FEEDBACK, /* mail/feedback.h */
	PARAM_WORD, /* one of a fixed set: the sentence's last part names it */
	PARAM_LIST, /* commas and blanks; /file and type:table allowed */
	PARAM_MAPS, /* tables */
	PARAM_RESTRICTIONS,
	PARAM_RAW,  /* not expanded */
	PARAM_GONE, /* known, not acted on */
	PARAM_MOOT, /* the same, and nothing is missed */
};

/* Who uses a parameter: what its tables' files are handed to. */
enum param_user {
	USER_MASTER = 1 << 0,
	USER_SMTPD = 1 << 1,
	USER_PICKUP = 1 << 2,
	USER_QMGR = 1 << 3,
	USER_LOCAL = 1 << 4,
	USER_MDA = 1 << 5,
	USER_SMTP = 1 << 6,
	USER_BOUNCE = 1 << 7,
	USER_DNS = 1 << 8,
	USER_LOOKUP = 1 << 9,
	USER_TOOLS = 1 << 10,
	USER_KEYS = 1 << 11,
	USER_AUTH = 1 << 12,
	USER_MEMO = 1 << 13,
	USER_PAM = 1 << 14,
	USER_TAKERS = USER_SMTPD | USER_PICKUP | USER_BOUNCE | USER_LOCAL,
	USER_CLEANUP = USER_SMTPD | USER_PICKUP | USER_BOUNCE,
	USER_ROUTE = USER_TAKERS | USER_QMGR,
	USER_ALL = 0xffff,
};

enum param {
#define PARAM(name, type, def, min, max, users, text) PARAM_##name,
#define GONE(name, def, reason)                       PARAM_##name,
#define MOOT(name, def, reason)                       PARAM_##name,
#include "mail/param.def"
#undef PARAM
#undef GONE
#undef MOOT
	PARAM_COUNT,
};

struct param_row {
	const char *name;
	enum param_type type;
	const char *def;
	int64_t min, max;
	unsigned users;
	const char *text; /* the sentence, or why there is no such thing */
};

extern const struct param_row param_table[PARAM_COUNT];

bool param_find(struct str name, enum param *ret);
bool param_works(enum param p); /* neither GONE nor MOOT */

/*
 * Is `name` a transport's name with one of the endings that every transport
 * has?  *ret_default is the parameter whose value it has when it is not set
 * ("relay_destination_recipient_limit": "relay" and
 * PARAM_default_destination_recipient_limit).
 */
bool param_find_transport(
    struct str name, struct str *ret_transport, enum param *ret_default);
/* The endings, for lists; NULL after the last. */
const char *param_transport_ending(size_t i, enum param *ret_default);

/* The transports of the master.cf that Debian's Postfix has; NULL after the
 * last. */
const char *param_stock_transport(size_t i);

/* The nearest known name within Damerau distance 2 (1 for short ones), or
 * NULL. */
const char *param_suggest(struct str name);

#endif
