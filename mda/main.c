/* SPDX-License-Identifier: ISC */
/*
 * mda - makes children that are users: for a delivery, a command, a .forward.
 * It holds the capability to become others, so it does next to nothing.
 */
#include "settings.h"
#include "spawn.h"

#include "base/log.h"
#include "base/serve.h"

#include <errno.h>

static const struct sandbox sandbox = {
    .calls = SANDBOX_SETID | SANDBOX_EXEC | SANDBOX_FORK | SANDBOX_FILES |
             SANDBOX_FLUSH,
};

static int
start(struct serve *sv)
{
	static struct settings settings;

	if (settings_read(&settings, serve_config(sv)) < 0) {
		log_error("the configuration cannot be read");
		return -EINVAL;
	}
	return spawn_init(&settings, serve_is_root_suite(sv));
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	(void)client;
	spawn_serve(fd);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "mda",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	};
	return serve_main(&program, argc, argv);
}
