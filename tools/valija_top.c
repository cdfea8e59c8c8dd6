/* SPDX-License-Identifier: ISC */
/*
 * valija_top - `top`: what the queue is doing, live or once.
 *
 *	valija top [-1] [-s seconds]
 */
#include "valija.h"

#include "term.h"
#include "top.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PAUSE     1 /* second */
#define PAUSE_MAX 3600

struct run {
	struct top top;
	bool is_once;
	int64_t pause;
	int code;
};

static int
usage(void)
{
	fprintf(stderr, "usage: valija [-c dir] top [-1] [-s seconds]\n");
	return EX_USAGE;
}

/* As postqueue(1) has it. */
static int
refuse(const struct top *t, int error)
{
	uid_t uid = getuid();
	const struct passwd *pw = getpwuid(uid);

	if (error == -EPERM)
		fprintf(stderr,
		    "valija: fatal: User %s(%u) is not allowed to view the "
		    "mail queue\n",
		    pw != NULL ? pw->pw_name : "unknown", uid);
	else
		fprintf(stderr, "valija: fatal: %s\n", t->why.p);
	return EX_UNAVAILABLE;
}

static int
print_once(struct top *t)
{
	ARENA_CLEANUP struct arena a = {0};
	struct top_rows rows;
	struct bar bar;

	t->bar = &bar;
	t->listing = top_list(t);
	t->bar = NULL;
	if (t->listing == NULL)
		return refuse(t, -EIO);
	arena_init(&a, SIZE_MAX / 2); /* rows of what is in memory */
	rows = top_view_join(top_state(t), &t->listing->sites, &a);
	top_view_head(stdout, top_state(t), 0);
	if (rows.n > 0) {
		putchar('\n');
		top_view_titles(stdout, 0);
	}
	for (size_t i = 0; i < rows.n; i++)
		top_view_row(stdout, &rows.p[i], 0);
	if (fflush(stdout) == EOF) {
		fprintf(stderr, "valija: fatal: standard output: %s\n",
		    strerror(errno));
		return EX_IOERR;
	}
	return EX_OK;
}

static void
stop(int signo, void *arg)
{
	(void)signo;
	(void)arg;
	term_close();
	loop_stop();
}

static void
run(void *arg)
{
	struct run *r = arg;
	struct top *t = &r->top;
	int error;

	loop_signal(SIGINT, stop, t);
	loop_signal(SIGTERM, stop, t);
	loop_signal(SIGHUP, stop, t);
	task_queue_init(&t->list_now);
	error = top_refresh(t);
	if (error < 0)
		r->code = refuse(t, error);
	else if (r->is_once)
		r->code = print_once(t);
	else
		top_screen(t, r->pause);
}

static int
read_options(struct valija *v, struct run *r)
{
	uint64_t seconds = PAUSE;
	int option;

	optind = 1;
	while ((option = getopt(v->argc, v->argv, "1s:")) != -1) {
		if (option == '1')
			r->is_once = true;
		else if (option != 's' ||
			 str_parse_u64(str_c(optarg), PAUSE_MAX, &seconds) <
			     0 ||
			 seconds == 0)
			return usage();
	}
	if (optind < v->argc)
		return usage();
	r->pause = (int64_t)seconds * CLOCK_SEC;
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		r->is_once = true;
	return EX_OK;
}

int
valija_top(struct valija *v)
{
	struct run r = {.top = {.conf = v->conf, .asked = TOP_NOTHING}};
	struct top *t = &r.top;

	r.code = read_options(v, &r);
	if (r.code != EX_OK)
		return r.code;
	buf_init(&t->why, TOP_NAME_MAX);
	buf_init(&t->said, TOP_NAME_MAX);
	buf_init(&t->site, TOP_NAME_MAX);
	buf_init(&t->selected, TOP_NAME_MAX);
	inquiry_run(run, &r);
	top_listing_free(&t->listing);
	parcel_done(&t->state);
	buf_done(&t->why);
	buf_done(&t->said);
	buf_done(&t->site);
	buf_done(&t->selected);
	return r.code;
}
