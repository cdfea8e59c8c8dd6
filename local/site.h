/* SPDX-License-Identifier: ISC */
/*
 * site - the configuration as local uses it: its tables open, its lists read.
 * Does not change; a reload starts another process.
 */
#ifndef LOCAL_SITE_H
#define LOCAL_SITE_H

#include "world.h"

#include "dict/dict.h"
#include "mail/conf.h"
#include "mail/expansion.h"
#include "mail/rewrite.h"
#include "mail/route.h"

/* Where a target was named: allow_mail_to_commands, _files. */
enum origin {
	FROM_ALIAS = 1 << 0,
	FROM_FORWARD = 1 << 1,
	FROM_INCLUDE = 1 << 2,
};

struct site {
	const struct conf *conf;
	struct world world;
	struct router *router;
	struct expansion *expansion;
	struct rewrite rewrite;
	struct maps *aliases;
	struct maps *mailboxes, *uids, *gids;             /* virtual_ */
	unsigned commands_from, files_from;               /* of enum origin */
	bool marks_commands, marks_files, marks_forwards; /* Delivered-To */
};

/* Borrows all.  NULL with `why`. */
struct site *site_new(const struct conf *c, const struct dict_env *env,
    const struct world *w, struct buf *why);
void site_free(struct site **s);

#endif
