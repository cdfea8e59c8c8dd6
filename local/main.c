/* SPDX-License-Identifier: ISC */
/*
 * local - decides what becomes of mail for this host: aliases, .forward
 * files, mailboxes.  Sees no message and touches no file.
 */
#include "service.h"
#include "suite.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/tables.h"

static const struct sandbox sandbox = {
    .chroot = true,
    .limits = {.descriptors = 1024},
};

static struct site *site;

static int
start(struct serve *sv)
{
	static struct tables tables;
	struct conf *c = conf_decode(serve_config(sv));
	struct link *lookup =
	    link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	BUF_CLEANUP struct buf why = {0};
	struct world world = suite_world(suite_new(sv, lookup));

	buf_init(&why, 8192);
	if (c == NULL) {
		log_error("the configuration cannot be read");
		return -1;
	}
	tables_init(
	    &tables, sv, lookup, conf_str(c, PARAM_default_database_type));
	site = site_new(c, &tables.env, &world, &why);
	if (site == NULL)
		log_error("%s", why.p);
	return site == NULL ? -1 : 0;
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	(void)client;
	service_open(site, fd);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "local",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	};

	return serve_main(&program, argc, argv);
}
