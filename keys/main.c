/* SPDX-License-Identifier: ISC */
/*
 * keys - holds every private key of the suite, and signs with it what TLS has
 * its holder sign.
 */
#include "talk.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/tables.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONFIG_ARENA ((size_t)64 * 1024 * 1024)

static const struct sandbox sandbox = {
    .calls = SANDBOX_LOCK | SANDBOX_FLUSH, /* the certificate it makes */
    .chroot = true,
    .limits = {.descriptors = 8192},
};

static struct keys {
	struct talks talks;
	struct tables tables;
	char default_type[KEYS_TYPE_MAX + 1];
} keys;

/* Without the capability all memory counts against a limit that is lower than
 * what a process has: with that it would starve. */
static bool
may_lock(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l) == 0 && l.rlim_cur == RLIM_INFINITY)
		return true;
	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & 1u << CAP_IPC_LOCK) != 0;
}

/* What is in no memory but this stays in it: not in the swap either. */
static void
lock_memory(void)
{
	int flags = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

	if (!may_lock() || mlockall(flags) < 0)
		log_info(
		    "memory is not locked, for want of CAP_IPC_LOCK: where "
		    "there is swap, private keys may get there");
}

static int
load(struct serve *sv, struct str bytes)
{
	ARENA_CLEANUP struct arena a = {0};
	struct services_from from = {
	    .env = &keys.tables.env,
	    .own_fd = serve_gift(sv, STR("own:certificate")),
	    .wall = (time_t)(clock_wall() / CLOCK_SEC),
	    .mono = clock_mono(),
	};
	struct keys_config c;
	const char *why;

	arena_init(&a, CONFIG_ARENA);
	if (shape_decode(&keys_config_shape, bytes, &a, &c, &why) < 0) {
		log_error("the configuration cannot be read: %s", why);
		return -EINVAL;
	}
	memcpy(keys.default_type, c.default_type.p, c.default_type.len);
	keys.default_type[c.default_type.len] = '\0';
	keys.tables.env.default_type = str_c(keys.default_type);
	talks_load(&keys.talks, &c, &from);
	return 0;
}

static void
tend(void *arg)
{
	talks_tend(arg);
}

static int
start(struct serve *sv)
{
	int e;

	lock_memory();
	talks_init(&keys.talks);
	tables_init(&keys.tables, sv, NULL, STR_NONE);
	e = load(sv, serve_config(sv));
	if (e == 0)
		task_start(tend, &keys.talks);
	return e;
}

static void
reconfigure(struct serve *sv, struct str config)
{
	(void)load(sv, config);
}

/* The keys are wiped. */
static void
drain(struct serve *sv)
{
	talks_close(&keys.talks);
	services_done(&keys.talks.services);
	serve_exit(sv, 0);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	talks_linked(&keys.talks, client, fd);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "keys",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .reconfigure = reconfigure,
	    .drain = drain,
	};
	return serve_main(&program, argc, argv);
}
