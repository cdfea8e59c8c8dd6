/* SPDX-License-Identifier: ISC */
/*
 * postqueue - lists the queue (-p, -j) and has it tried again (-f, -i, -s):
 * postqueue(1).
 */
#include "alone.h"
#include "bar.h"
#include "drop.h"
#include "filter.h"
#include "inquiry.h"
#include "listing.h"
#include "say.h"

#include "mail/addr.h"
#include "mail/queue/dirs.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum mode {
	NOTHING,
	LIST,
	LIST_JSON,
	FLUSH,
};

enum long_option {
	FROM = 256,
	TO,
	DOMAIN,
	AGE,
	REASON,
};

struct postqueue {
	enum mode mode;
	struct admin_flush flush; /* -i, -s */
	const char *conf_dir;
	struct conf *conf;
	struct listing listing;
	struct filter filter;
	bool is_filtered;
	bool has_bar; /* what is listed goes elsewhere */
	struct bar bar;
	uint64_t seen;
	int64_t now;
};

/* As log lines about users have it: "alice(1000)". */
static void
refuse_user(const char *what)
{
	uid_t uid = getuid();
	const struct passwd *pw = getpwuid(uid);

	say_fatal(EX_UNAVAILABLE,
	    "User %s(%u) is not allowed to %s the mail queue",
	    pw != NULL ? pw->pw_name : "unknown", uid, what);
}

static void
end(int error, const struct buf *why, const char *what)
{
	if (error == -EPERM)
		refuse_user(what);
	say_fatal(EX_UNAVAILABLE, "%s", why->p);
}

static void
flush(struct postqueue *q, struct chan *c)
{
	BUF_CLEANUP struct buf why = {0};
	struct parcel answer;
	int r;

	buf_init(&why, 4096);
	r = inquiry_call(c, ADMIN_FLUSH, &q->flush, ADMIN_DONE, &answer, &why);
	if (r < 0)
		end(r, &why, "flush");
	parcel_done(&answer);
}

static void
show(struct postqueue *q, const struct admin_entry *e)
{
	if (!filter_matches(&q->filter, e, q->now))
		return;
	if (q->mode == LIST)
		listing_entry(&q->listing, e);
	else
		listing_json(&q->listing, e);
	if (ferror(stdout))
		say_fatal(
		    EX_UNAVAILABLE, "standard output: %s", strerror(errno));
}

/* What sendmail(1) left while nobody was there to take it. */
static void
list_drop(struct postqueue *q)
{
	struct inquiry_entries e;
	int r = drop_list(q->conf, &e);

	if (r == 0) {
		while ((r = inquiry_next(&e)) > 0)
			show(q, &e.entry);
		inquiry_end(&e);
	}
	if (r < 0)
		say_warning("maildrop cannot be listed: %s", strerror(-r));
}

static void
list(struct postqueue *q, struct chan *c)
{
	BUF_CLEANUP struct buf why = {0};
	struct inquiry_entries e;
	int r;

	buf_init(&why, 4096);
	r = inquiry_list(c, false, &e, &why);
	if (r < 0)
		end(r, &why, "view");
	bar_start(&q->bar, "messages", e.total);
	while ((r = inquiry_next(&e)) > 0) {
		show(q, &e.entry);
		if (q->has_bar)
			bar_show(&q->bar, ++q->seen);
	}
	bar_end(&q->bar);
	inquiry_end(&e);
	if (r < 0)
		say_fatal(
		    EX_UNAVAILABLE, "the list broke off: %s", strerror(-r));
}

/* The suite is not there; the queue is. */
static void
go_alone(struct postqueue *q, struct alone *alone, int error, struct chan **ret)
{
	char why[256];
	int r;

	snprintf(why, sizeof(why), "Connect to the %.*s showq service: %s",
	    STR_ARG(conf_str(q->conf, PARAM_mail_name)), strerror(-error));
	if (!alone_is_down(error) || !alone_is_allowed(q->conf))
		say_fatal(EX_UNAVAILABLE,
		    "Queue report unavailable - mail system is down (%s)", why);
	say_warning(
	    "Mail system is down -- accessing queue directly (%s)", why);
	list_drop(q);
	r = alone_start(alone, q->conf, ret);
	if (r < 0)
		say_fatal(EX_UNAVAILABLE, "the queue cannot be opened: %s",
		    strerror(-r));
}

static void
run(void *arg)
{
	struct postqueue *q = arg;
	struct alone alone = {0};
	struct chan *c = NULL;
	int r = inquiry_open(q->conf, &c);

	if (r < 0 && q->mode == FLUSH)
		say_fatal(EX_UNAVAILABLE,
		    "Cannot flush mail queue - mail system is down");
	if (r < 0)
		go_alone(q, &alone, r, &c);
	if (q->mode == FLUSH)
		flush(q, c);
	else
		list(q, c);
	if (q->mode == LIST)
		listing_end(&q->listing);
	alone_end(&alone, &c);
}

static void
usage(void)
{
	say_fatal(EX_UNAVAILABLE,
	    "usage: postqueue -f | postqueue -i queueid | postqueue -j | "
	    "postqueue -p | postqueue -s site");
}

/* An empty one would stand for all that waits. */
static void
set_id(struct postqueue *q, const char *id)
{
	if (!dirs_is_id(str_c(id)))
		say_fatal(EX_UNAVAILABLE,
		    "Cannot flush queue ID - invalid name: \"%s\"", id);
	q->flush.id = str_c(id);
}

static void
set_site(struct postqueue *q, const char *site)
{
	struct str s = str_c(site);

	if (!addr_is_domain(s) && !addr_is_literal(s))
		say_fatal(EX_UNAVAILABLE,
		    "Cannot flush mail queue - invalid destination: \"%s\"",
		    site);
	q->flush.site = s;
}

static void
set_mode(struct postqueue *q, enum mode mode)
{
	if (q->mode != NOTHING)
		usage();
	q->mode = mode;
}

static void
set_filter(struct postqueue *q, int option)
{
	struct filter *f = &q->filter;

	if (option == FROM)
		f->from = optarg;
	else if (option == TO)
		f->to = optarg;
	else if (option == DOMAIN)
		f->domain = optarg;
	else if (option == REASON)
		f->reason = optarg;
	else if (!filter_parse_age(optarg, &f->age))
		say_fatal(EX_UNAVAILABLE, "--age %s: not a time", optarg);
	q->is_filtered = true;
}

static void
read_options(struct postqueue *q, int argc, char **argv)
{
	int option;

	static const struct option names[] = {
	    {"from", required_argument, NULL, FROM},
	    {"to", required_argument, NULL, TO},
	    {"domain", required_argument, NULL, DOMAIN},
	    {"age", required_argument, NULL, AGE},
	    {"reason", required_argument, NULL, REASON},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0},
	};

	while ((option = getopt_long(argc, argv, "c:fi:jps:v", names, NULL)) !=
	       -1) {
		if (option == 'c') {
			q->conf_dir = optarg;
		} else if (option == 'f') {
			set_mode(q, FLUSH);
		} else if (option == 'i') {
			set_mode(q, FLUSH);
			set_id(q, optarg);
		} else if (option == 's') {
			set_mode(q, FLUSH);
			set_site(q, optarg);
		} else if (option == 'j') {
			set_mode(q, LIST_JSON);
		} else if (option == 'p') {
			set_mode(q, LIST);
		} else if (option >= FROM) {
			set_filter(q, option);
		} else if (option != 'v') {
			usage();
		}
	}
	if (q->mode == NOTHING || optind < argc ||
	    (q->is_filtered && q->mode == FLUSH))
		usage();
}

int
main(int argc, char **argv)
{
	struct postqueue q = {
	    .flush = {STR_NONE, STR_NONE}, .listing = {.out = stdout}};

	say_init("postqueue");
	read_options(&q, argc, argv);
	q.conf = say_conf(q.conf_dir, EX_UNAVAILABLE);
	clock_update();
	q.now = clock_wall();
	q.has_bar = !isatty(STDOUT_FILENO);
	inquiry_run(run, &q);
	conf_free(&q.conf);
	if (fflush(stdout) == EOF)
		say_fatal(
		    EX_UNAVAILABLE, "standard output: %s", strerror(errno));
	return EX_OK;
}
