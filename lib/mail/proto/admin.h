/* SPDX-License-Identifier: ISC */
/*
 * proto/admin - the administrator's tools and qmgr, on
 * $queue_directory/public/showq (listing: authorized_mailq_users) and
 * $queue_directory/private/qmgr (root).
 *
 *	tool                                     qmgr
 *	  ADMIN_LIST                          ->
 *	                                      <- ADMIN_ENTRY ... (same exchange)
 *	                                      <- ADMIN_DONE
 *	  ADMIN_FLUSH                         -> retry what is deferred, now
 *	                                      <- ADMIN_DONE
 */
#ifndef MAIL_PROTO_ADMIN_H
#define MAIL_PROTO_ADMIN_H

#include "base/chan.h"

enum admin_kind {
	ADMIN_LIST,
	ADMIN_ENTRY,
	ADMIN_FLUSH,
	ADMIN_DONE,
	ADMIN_KINDS,
};

struct admin_list {
	uint64_t recipients; /* with recipients and reasons */
};
struct admin_recipient {
	struct str address;
	struct str reason; /* why it is deferred; empty: not tried */
};
struct admin_entry {
	struct str queue; /* "active", "deferred", "hold" */
	struct str id;
	int64_t arrival;
	uint64_t size;
	uint64_t forced_expire;
	struct str sender;
	struct rows recipients;
};
struct admin_flush {
	struct str id; /* empty: all */
};
struct admin_done {
	uint64_t count;
	uint64_t error; /* errno */
	struct str text;
};

extern const struct protocol admin_protocol;

#endif
