/* SPDX-License-Identifier: ISC */
/*
 * proto/lookup - look-ups that block: the system's passwd, group and hosts,
 * by way of lookup, which may block because it does nothing else.
 *
 *	client                                   lookup
 *	  LOOKUP_ASK                          ->
 *	                                      <- LOOKUP_ANSWER (same exchange)
 */
#ifndef MAIL_PROTO_LOOKUP_H
#define MAIL_PROTO_LOOKUP_H

#include "base/chan.h"
#include "base/clock.h"
#include "base/find.h"

#define LOOKUP_DEADLINE (20 * CLOCK_SEC)
#define LOOKUP_KEY_MAX  255
#define LOOKUP_TEXT_MAX 4095

enum lookup_kind {
	LOOKUP_ASK,
	LOOKUP_ANSWER,
	LOOKUP_KINDS
};

enum lookup_database {
	LOOKUP_PASSWD_BYNAME = 1,
	LOOKUP_PASSWD_BYUID,
	LOOKUP_GROUP_BYNAME,
	LOOKUP_GROUPS_OF, /* all groups of a user: text is "gid gid ..." */
	LOOKUP_HOST,      /* /etc/hosts and the like: text is "ip ip ..." */
	LOOKUP_ADDRESS,   /* the name of an address; text is the name */
};

struct lookup_ask {
	uint64_t database;
	struct str key;
};
struct lookup_answer {
	uint64_t find;
	struct str name; /* RETRY, BROKEN: why not, one phrase */
	uint64_t uid, gid;
	struct str home, shell, gecos;
	struct str text;
};

extern const struct shape lookup_answer_shape;
extern const struct protocol lookup_protocol;

#endif
