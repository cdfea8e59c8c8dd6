/* SPDX-License-Identifier: ISC */
/*
 * valija - starts, stops, reloads, shows and checks the suite; reads its log;
 * puts Dovecot beside it.
 *
 *	valija [-c dir] start | start-fg | stop | reload | status | check
 *	valija [-c dir] log [-f file]... queue-id | address | message-id
 *	valija [-c dir] top [-1] [-s seconds]
 *	valija [-c dir] export [-d dir] [filter] [queue-id...]
 *	valija [-c dir] import [-f] [-r] file...
 *	valija [-c dir] dovecot [-u] [-d dir] [-m location]
 *	valija [-c dir] user add | passwd | del | list | app ...
 *
 * Exit codes are those of postfix(1): 0; 1 when there was nothing to stop,
 * something to start already, or an error.
 */
#include "valija.h"

#include "base/file.h"
#include "base/log.h"
#include "mail/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FILE "pid/master.pid"

static int
start(struct valija *v)
{
	return valija_start(v, false);
}

static int
start_foreground(struct valija *v)
{
	return valija_start(v, true);
}

static const struct {
	const char *name;
	int (*run)(struct valija *v);
	enum {
		CONF_RIGHT,
		CONF_ANY,
		CONF_OWN
	} conf;
	bool has_arguments;
} commands[] = {
    {"start", start, CONF_RIGHT},
    {"start-fg", start_foreground, CONF_RIGHT},
    {"stop", valija_stop, CONF_ANY},
    {"reload", valija_reload, CONF_RIGHT},
    {"status", valija_status, CONF_ANY},
    {"check", valija_check, CONF_OWN},
    {"log", valija_log, CONF_OWN, true},
    {"top", valija_top, CONF_ANY, true},
    {"export", valija_export, CONF_ANY, true},
    {"import", valija_import, CONF_ANY, true},
    {"dovecot", valija_dovecot, CONF_RIGHT, true},
    {"user", valija_user, CONF_RIGHT, true},
};

void
valija_print_remark(void *arg, const struct conf_remark *r)
{
	static const char *const names[] = {
	    [CONF_NOTE] = "note",
	    [CONF_WARNING] = "warning",
	    [CONF_ERROR] = "error",
	};
	FILE *out = arg;

	fprintf(out, "%.*s", STR_ARG(r->file));
	if (r->line > 0)
		fprintf(out, ", line %u", r->line);
	fprintf(out, ": %s: %.*s\n", names[r->severity], STR_ARG(r->text));
}

/* What keeps the suite from running is worth a line; the rest is check's. */
static void
print_error(void *arg, const struct conf_remark *r)
{
	if (r->severity == CONF_ERROR)
		valija_print_remark(arg, r);
}

static void
print(const struct valija *v, const char *level, const char *text)
{
	fprintf(stderr, "%.*s/postfix-script: %s%s\n",
	    STR_ARG(conf_str(v->conf, PARAM_syslog_name)), level, text);
}

static void
open_log(const struct valija *v)
{
	BUF_CLEANUP struct buf why = {0};
	enum log_target target;
	int fd;

	log_target_names(v->conf);
	buf_init(&why, LOG_LINE_MAX);
	fd = log_target_open(v->conf, &target, &why);
	/* Standard output is no place for it twice. */
	if (fd >= 0)
		log_open(target, fd);
	else
		log_open(LOG_TARGET_FILE, open("/dev/null", O_WRONLY));
}

void
valija_say(const struct valija *v, const char *text)
{
	print(v, "", text);
	log_info("%s", text);
}

void
valija_fatal(const struct valija *v, const char *text)
{
	print(v, "fatal: ", text);
	log_error("%s", text);
}

pid_t
valija_master(const struct valija *v)
{
	FD_CLEANUP int fd = -1;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[32] = "";
	uint64_t pid;

	if (v->queue_fd >= 0)
		fd = openat(v->queue_fd, LOCK_FILE, O_RDONLY | O_CLOEXEC);
	/* Asking takes no lock, so it is in nobody's way. */
	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 ||
	    lock.l_type == F_UNLCK)
		return 0;
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	if (str_parse_u64(str_trim(str_c(text)), INT32_MAX, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: valija [-c dir] start | start-fg | stop | reload | "
	    "status | check | log ... | top ... | export ... | import ... | "
	    "user ... | dovecot ...\n");
	return 1;
}

static void
open_queue(struct valija *v)
{
	struct str dir = conf_str(v->conf, PARAM_queue_directory);
	char *path = strndup(dir.p, dir.len);

	if (path == NULL)
		log_fatal("out of memory");
	v->queue_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
}

static int
read_conf(struct valija *v, bool must_be_right)
{
	v->conf =
	    conf_read(v->conf_dir, must_be_right ? print_error : NULL, stderr);
	if (v->conf == NULL && must_be_right) {
		fprintf(
		    stderr, "valija: fatal: %s has an error\n", v->conf_dir);
		return -EINVAL;
	}
	if (v->conf == NULL)
		v->conf = valija_where(v->conf_dir);
	open_queue(v);
	open_log(v);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *env = getenv("MAIL_CONFIG");
	struct valija v = {
	    .conf_dir = env != NULL ? env : VALIJA_CONFIG,
	    .queue_fd = -1,
	};
	int option, r = -1;

	log_init("postfix-script");
	while ((option = getopt(argc, argv, "+c:d:v")) != -1) {
		if (option == 'c')
			v.conf_dir = optarg;
		else if (option == 'd')
			v.program_dir = optarg;
		else if (option != 'v')
			return usage();
	}
	v.argc = argc - optind;
	v.argv = argv + optind;
	if (v.argc < 1)
		return usage();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(v.argv[0], commands[i].name) != 0)
			continue;
		if (v.argc > 1 && !commands[i].has_arguments)
			return usage();
		if (commands[i].conf != CONF_OWN &&
		    read_conf(&v, commands[i].conf == CONF_RIGHT) < 0)
			return 1;
		r = commands[i].run(&v);
		break;
	}
	if (r < 0)
		return usage();
	log_flush();
	conf_free(&v.conf);
	return r;
}
