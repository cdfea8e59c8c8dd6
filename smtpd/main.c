/* SPDX-License-Identifier: ISC */
/* smtpd - speaks SMTP with clients, and hands on what it accepts. */
#include "base/buf.h"
#include "base/log.h"
#include "base/serve.h"
#include "base/task.h"
#include "listen.h"
#include "mail/conf.h"
#include "mail/proto/dns.h"
#include "mail/proto/lookup.h"
#include "mail/tables.h"
#include "server.h"

#include <errno.h>
#include <string.h>

#define WHY_MAX    1024
#define DRAIN_TIME (600 * CLOCK_SEC) /* for sessions of an old generation */

static const struct sandbox sandbox = {
    .calls = SANDBOX_ACCEPT | SANDBOX_MEMFD,
    .chroot = true,
    .limits = {.address_space = (size_t)8 << 30},
};

static struct tables tables;
static struct server *server;
static struct listeners *listeners;

static int
start(struct serve *sv)
{
	struct conf *conf = conf_decode(serve_config(sv));
	struct link *dns = link_new(sv, "dns", &dns_protocol, NULL, NULL);
	struct link *lookup =
	    link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	BUF_CLEANUP struct buf why = {0};
	int r;

	buf_init(&why, WHY_MAX);
	if (conf == NULL) {
		log_error("the configuration cannot be read");
		return -EINVAL;
	}
	tables_init(
	    &tables, sv, lookup, conf_str(conf, PARAM_default_database_type));
	server = server_new(sv, conf, &tables.env, dns, lookup, &why);
	if (server == NULL) {
		log_error("%s", why.p);
		return -EINVAL;
	}
	r = listen_start(server, &listeners);
	if (r < 0)
		log_error("listeners: %s", strerror(-r));
	return r;
}

static void
drain(struct serve *sv)
{
	listen_stop(&listeners);
	server_drain(server);
	if (!serve_is_urgent(sv))
		task_sleep(clock_after(DRAIN_TIME));
	server_hurry(server);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "smtpd",
	    .sandbox = &sandbox,
	    .start = start,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
