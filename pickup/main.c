/* SPDX-License-Identifier: ISC */
/*
 * pickup - takes in what local users send with sendmail(1), at its socket and
 * from maildrop/.
 */
#include "door.h"
#include "drop.h"

#include "base/log.h"
#include "mail/proto/lookup.h"
#include "mail/tables.h"

#include <string.h>

static const struct sandbox sandbox = {
    .calls = SANDBOX_ACCEPT | SANDBOX_FILES | SANDBOX_MEMFD,
    .chroot = true,
};

static struct pickup pickup;

static bool
open_tables(struct serve *sv, const struct conf *c, struct buf *why)
{
	static struct tables tables;
	struct router *router;

	tables_init(&tables, sv, pickup.lookup,
	    conf_str(c, PARAM_default_database_type));
	router = router_new(c, &tables.env, why);
	if (router == NULL)
		return false;
	pickup.allowed = match_open(&tables.env,
	    conf_str(c, PARAM_authorized_submit_users), false, why);
	if (pickup.allowed == NULL)
		return false;
	pickup.taker = taker_new(sv, c, router, &tables.env, why);
	return pickup.taker != NULL;
}

static int
start(struct serve *sv)
{
	int socket = serve_gift(sv, STR("listen:pickup"));
	int dir = serve_gift(sv, STR("dir:maildrop"));
	BUF_CLEANUP struct buf why = {0};
	int r;

	buf_init(&why, 8192);
	pickup.conf = conf_decode(serve_config(sv));
	if (pickup.conf == NULL || socket < 0 || dir < 0) {
		log_error("started without configuration, socket or maildrop");
		return -1;
	}
	pickup.lookup = link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	if (!open_tables(sv, pickup.conf, &why)) {
		log_error("%s", why.p);
		return -1;
	}
	r = door_open(&pickup, socket);
	if (r < 0)
		log_error("socket: %s", strerrordesc_np(-r));
	else
		drop_open(&pickup, dir);
	return r;
}

static void
leave_if_idle(void *arg)
{
	static int open = 2;

	if (--open == 0)
		serve_exit(arg, 0);
}

/* What is at hand is finished, which takes no longer than qmgr; what waits is
 * the next generation's.  May be called once more, when it is urgent. */
static void
drain(struct serve *sv)
{
	static bool is_draining;

	if (is_draining)
		return;
	is_draining = true;
	door_close(leave_if_idle, sv);
	drop_close(leave_if_idle, sv);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "pickup",
	    .sandbox = &sandbox,
	    .start = start,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
