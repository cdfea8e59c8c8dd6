/* SPDX-License-Identifier: ISC */
/*
 * admin_flush - what waits is tried now: all, one, or what waits for a site
 * that fast_flush_domains names.  Nothing here remembers who waits for a
 * site: a forked copy reads the queue and says which do.
 */
#include "admin.h"

#include "listing.h"
#include "qmgr.h"
#include "wait.h"

#include <errno.h>

#define ARENA_MAX (256 * 1024)

static void
flush_one(void *arg, struct str id)
{
	struct qmgr *q = arg;
	struct message *m = message_find(q, id);

	if (m == NULL || m->place == 0)
		return;
	wait_del(q, m);
	wait_add(q, m, 0);
	qmgr_poke(q);
}

/* "example.com", or "[mx.example.com]" as relayhost has it. */
static bool
is_flushable(struct admin_request *r, struct str site)
{
	ARENA_CLEANUP struct arena a = {0};
	struct site *config = site_use(r->qmgr);
	enum find found;

	arena_init(&a, ARENA_MAX);
	found = match_domain(config->flush_domains, site, &a);
	site_leave(&config);
	if (found == FIND_NO)
		admin_end(r, 0, EDOM,
		    "Flush service is not configured for destination \"%.*s\"",
		    STR_ARG(site));
	else if (found != FIND_YES)
		admin_end(r, 0, EAGAIN, "fast_flush_domains cannot be asked");
	return found == FIND_YES;
}

static void
flush_site(struct admin_request *r, struct str site)
{
	int error;

	if (!is_flushable(r, site))
		return;
	schedule_revive(r->qmgr->schedule);
	error = listing_find(r->qmgr, r->uid, site, flush_one, r->qmgr);
	if (error < 0)
		admin_end(r, 0, -error, "the queue cannot be read now");
	else
		admin_end(r, 0, 0, "%s", "");
}

void
admin_flush(struct admin_request *r)
{
	const struct admin_flush *f = r->parcel.value;

	if (f->site.len > 0) {
		flush_site(r, f->site);
		return;
	}
	if (f->id.len > 0)
		flush_one(r->qmgr, f->id);
	else
		message_flush(r->qmgr);
	admin_end(r, 0, 0, "%s", "");
}
