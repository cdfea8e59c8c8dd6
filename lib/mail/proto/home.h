/* SPDX-License-Identifier: ISC */
/*
 * proto/home - local reads a user's file through mda's child of that user.
 *
 *	local                                    child (SPAWN_READER)
 *	  HOME_READ                           ->
 *	                                      <- HOME_TEXT (same exchange)
 */
#ifndef MAIL_PROTO_HOME_H
#define MAIL_PROTO_HOME_H

#include "base/chan.h"

#define HOME_TEXT_MAX  (64 * 1024)
#define HOME_ANY_OWNER UINT32_MAX /* ... anybody's */

enum home_kind {
	HOME_READ,
	HOME_TEXT,
	HOME_KINDS
};

struct home_read {
	struct str path; /* relative to the child's root, or absolute in it */
	uint64_t owner;  /* whose the file must be (or root's), or ... */
	uint64_t
	    check_dir; /* also refuse a group- or world-writable directory */
};
struct home_text {
	uint64_t find; /* enum find: NO: no such file; BROKEN: unsafe */
	struct str text;
	struct str why;
};

extern const struct protocol home_protocol;

#endif
