/* SPDX-License-Identifier: ISC */
/*
 * restriction - the words of the smtpd_*_restrictions lists, from
 * restriction.def: one table for those who check a configuration and for
 * smtpd, which acts on it.
 */
#ifndef MAIL_RESTRICTION_H
#define MAIL_RESTRICTION_H

#include "base/str.h"

#include <stdbool.h>

enum restriction {
#define RESTRICTION(name, arg)  RESTRICTION_##name,
#define OLD(name, now)          RESTRICTION_##name,
#define GONE(name, arg, reason) RESTRICTION_##name,
#include "mail/restriction.def"
#undef RESTRICTION
#undef OLD
#undef GONE
	RESTRICTION_COUNT,
};

/* What stands behind the word in a list. */
enum restriction_arg {
	RESTRICTION_NOTHING,
	RESTRICTION_TABLE,   /* type:name */
	RESTRICTION_ZONE,    /* of a DNS list: "bl.example", "x=127.0.0.2" */
	RESTRICTION_SERVICE, /* of a policy service: "unix:private/x" */
	RESTRICTION_TIME,    /* seconds */
};

struct restriction_row {
	const char *name;
	enum restriction now; /* itself, but for an old name */
	enum restriction_arg arg;
	const char *gone; /* why it has no effect; NULL: it works */
};

extern const struct restriction_row restriction_table[RESTRICTION_COUNT];

/* An old name gives what it is called now.  ASCII case is ignored. */
bool restriction_find(struct str name, enum restriction *ret);

/*
 * Does it keep strangers from relaying?  One such must stand in
 * smtpd_relay_restrictions or smtpd_recipient_restrictions, or smtpd takes no
 * recipient at all.
 */
bool restriction_is_guard(enum restriction r);

#endif
