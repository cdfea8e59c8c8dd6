/* SPDX-License-Identifier: ISC */
/*
 * memo - remembers for a while what clients and logins did, for all smtpd
 * processes together.
 */
#include "counters.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/conf.h"

#include <errno.h>

static const struct sandbox sandbox = {
    .calls = 0,
    .chroot = true,
    .limits = {.descriptors = 1024},
};

static struct counters counters;
static int64_t status_time;

static void
log_statistics(void *arg)
{
	(void)arg;
	while (task_sleep(clock_after(status_time)) == 0)
		statistics_log(&counters.statistics, counters.windows.unit);
}

/* False: it cannot be read. */
static bool
read_conf(struct str encoded, int64_t *ret_unit)
{
	struct conf *conf = conf_decode(encoded);

	if (conf == NULL) {
		log_error("the configuration cannot be read");
		return false;
	}
	*ret_unit = conf_time(conf, PARAM_anvil_rate_time_unit);
	status_time = conf_time(conf, PARAM_anvil_status_update_time);
	conf_free(&conf);
	return true;
}

static int
start(struct serve *sv)
{
	int64_t unit;

	if (!read_conf(serve_config(sv), &unit))
		return -EINVAL;
	counters_init(&counters, unit);
	task_start(log_statistics, NULL);
	return 0;
}

/* What was counted stays: a window that has begun keeps its end. */
static void
reconfigure(struct serve *sv, struct str config)
{
	(void)sv;
	(void)read_conf(config, &counters.windows.unit);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	(void)client;
	counters_serve(&counters, fd);
}

static void
drain(struct serve *sv)
{
	statistics_log(&counters.statistics, counters.windows.unit);
	serve_exit(sv, 0);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "memo",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .reconfigure = reconfigure,
	    .drain = drain,
	};
	return serve_main(&program, argc, argv);
}
