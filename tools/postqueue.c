/* SPDX-License-Identifier: ISC */
/*
 * postqueue - lists the queue (-p, -j) and has it tried again (-f, -i):
 * postqueue(1).  Asks qmgr, at public/showq for a list, at private/qmgr for
 * what only root may ask.
 */
#include "listing.h"

#include "base/file.h"
#include "base/log.h"
#include "mail/conf.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define EXCHANGE 1
#define PATIENCE (60 * CLOCK_SEC) /* for the next that qmgr says */

enum mode {
	NOTHING,
	LIST,
	LIST_JSON,
	FLUSH,
};

struct postqueue {
	enum mode mode;
	struct str id; /* -i */
	struct listing listing;
	int fd;
	bool is_done;
	struct task_queue said; /* where converse() waits */
};

static void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

static void
fatal(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("postqueue: fatal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EX_UNAVAILABLE);
}

/* As log lines about users have it: "alice(1000)". */
static void
refuse_user(const char *what)
{
	uid_t uid = getuid();
	const struct passwd *pw = getpwuid(uid);

	fatal("User %s(%u) is not allowed to %s the mail queue",
	    pw != NULL ? pw->pw_name : "unknown", uid, what);
}

static void
take_done(struct postqueue *q, const struct admin_done *done)
{
	q->is_done = true;
	loop_stop();
	if (done->error == EPERM || done->error == EACCES)
		refuse_user(q->mode == FLUSH ? "flush" : "view");
	if (done->error != 0)
		fatal("%.*s", STR_ARG(done->text));
	if (q->mode == LIST)
		listing_end(&q->listing);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct postqueue *q = arg;

	(void)c;
	task_wake_all(&q->said);
	if (p->kind == ADMIN_ENTRY && q->mode == LIST)
		listing_entry(&q->listing, p->value);
	else if (p->kind == ADMIN_ENTRY && q->mode == LIST_JSON)
		listing_json(&q->listing, p->value);
	else if (p->kind == ADMIN_DONE)
		take_done(q, p->value);
}

static void
take_end(struct chan *c, const char *why, void *arg)
{
	(void)c;
	(void)arg;
	if (why[0] != '\0')
		fprintf(stderr, "postqueue: warning: qmgr: %s\n", why);
	loop_stop();
}

static void
converse(void *arg)
{
	static const struct chan_events events = {take_parcel, take_end};
	struct postqueue *q = arg;
	struct chan *c = chan_new(q->fd, &admin_protocol, &events, q);
	const struct admin_list list = {.recipients = 1};
	const struct admin_flush flush = {.id = q->id};
	int r = q->mode == FLUSH
	            ? chan_send(c, ADMIN_FLUSH, EXCHANGE, &flush, NULL, 0)
	            : chan_send(c, ADMIN_LIST, EXCHANGE, &list, NULL, 0);

	if (r < 0)
		fatal("qmgr cannot be asked: %s", strerror(-r));
	while (task_wait(&q->said, clock_after(PATIENCE)) == 0)
		;
	loop_stop();
}

static int
connect_qmgr(const struct conf *c, enum mode mode)
{
	struct str queue = conf_str(c, PARAM_queue_directory);
	char *path;
	FD_CLEANUP int dir = -1;

	if (asprintf(&path, "%.*s/%s", STR_ARG(queue),
		mode == FLUSH ? "private" : "public") < 0)
		return -ENOMEM;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (dir < 0)
		return -errno;
	return unix_connect(
	    dir, mode == FLUSH ? "qmgr" : "showq", SOCK_SEQPACKET);
}

static void
ask(struct postqueue *q, const struct conf *c)
{
	q->fd = connect_qmgr(c, q->mode);
	if (q->fd == -EACCES)
		refuse_user(q->mode == FLUSH ? "flush" : "view");
	if (q->fd < 0 && q->mode == FLUSH)
		fatal("Cannot flush mail queue - mail system is down");
	if (q->fd < 0)
		fatal("Queue report unavailable - mail system is down");
	if (loop_init() < 0)
		fatal("cannot wait for events");
	task_queue_init(&q->said);
	task_start(converse, q);
	loop_run();
	if (!q->is_done)
		fatal("qmgr did not answer");
}

static void
usage(void)
{
	fatal("usage: postqueue -f | postqueue -i queueid | postqueue -j | "
	      "postqueue -p | postqueue -s site");
}

static void
set_mode(struct postqueue *q, enum mode mode)
{
	if (q->mode != NOTHING)
		usage();
	q->mode = mode;
}

static const char *
read_options(struct postqueue *q, int argc, char **argv)
{
	const char *env = getenv("MAIL_CONFIG");
	const char *conf_dir = env != NULL ? env : VALIJA_CONFIG;
	int option;

	while ((option = getopt(argc, argv, "c:fi:jps:v")) != -1) {
		if (option == 'c') {
			conf_dir = optarg;
		} else if (option == 'f') {
			set_mode(q, FLUSH);
		} else if (option == 'i') {
			set_mode(q, FLUSH);
			q->id = str_c(optarg);
		} else if (option == 'j') {
			set_mode(q, LIST_JSON);
		} else if (option == 'p') {
			set_mode(q, LIST);
		} else if (option == 's') {
			fatal("Flush service is not configured for "
			      "destination \"%s\"",
			    optarg);
		} else if (option != 'v') {
			usage();
		}
	}
	if (q->mode == NOTHING || optind < argc)
		usage();
	return conf_dir;
}

int
main(int argc, char **argv)
{
	struct postqueue q = {.id = STR_NONE, .listing = {.out = stdout}};
	struct conf *c;

	log_init("postqueue");
	c = conf_read(read_options(&q, argc, argv), NULL, NULL);
	if (c == NULL)
		fatal("the configuration has an error: see valija check");
	ask(&q, c);
	conf_free(&c);
	if (fflush(stdout) == EOF)
		fatal("standard output: %s", strerror(errno));
	return EX_OK;
}
