/* SPDX-License-Identifier: ISC */
/*
 * qshape - the queue by domain and age: qshape(1).  Read as postqueue(1)
 * reads it: from qmgr, or from the queue itself while no suite runs.
 */
#include "ages.h"
#include "alone.h"
#include "bar.h"
#include "drop.h"
#include "inquiry.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CLEAR      "\033[H\033[J"
#define NUMBER_MAX 1000000000

/* As bits beside enum admin_queue. */
#define QUEUE_DROP (ADMIN_QUEUES + 1)

struct qshape {
	struct ages ages;
	bool has_senders; /* -s: of each message its sender */
	uint64_t batch;  /* -N: messages between two tables, 0: only the last */
	uint64_t top;    /* -n: lines */
	uint64_t queues; /* bits */
	uint64_t seen;   /* messages */
	struct bar bar;
	const char *conf_dir;
	struct conf *conf;
	int64_t now;
};

static void
usage(void)
{
	say_fatal(EX_USAGE,
	    "usage: qshape [-s] [-p] [-m min_subdomains] [-b bucket_count] "
	    "[-t bucket_time] [-l] [-w terminal_width] [-N batch_msg_count] "
	    "[-n batch_top_domains] [-c config_directory] [queue_name ...]");
}

static uint64_t
queue_bit(struct str name)
{
	return str_eq(name, STR("maildrop")) ? QUEUE_DROP : inquiry_queue(name);
}

static void
count(struct qshape *q, const struct admin_entry *e)
{
	const struct admin_recipient *r = e->recipients.p;
	int64_t age = (q->now - e->arrival) / CLOCK_SEC;

	if ((queue_bit(e->queue) & q->queues) == 0)
		return;
	if (q->has_senders)
		ages_add(&q->ages, e->sender, age);
	for (size_t i = 0; i < e->recipients.n && !q->has_senders; i++)
		ages_add(&q->ages, r[i].address, age);
	q->seen++;
	if (q->batch == 0 || q->seen % q->batch != 0)
		return;
	fputs(CLEAR, stdout);
	ages_print(&q->ages, stdout, (size_t)q->top);
	fflush(stdout);
}

/* Takes them.  Tables that are drawn meanwhile show how far it is. */
static void
count_all(struct qshape *q, struct inquiry_entries *e)
{
	uint64_t n = 0;
	int r;

	bar_start(&q->bar, "messages", e->total);
	while ((r = inquiry_next(e)) > 0) {
		count(q, &e->entry);
		if (q->batch == 0)
			bar_show(&q->bar, ++n);
	}
	bar_end(&q->bar);
	inquiry_end(e);
	if (r < 0)
		say_fatal(
		    EX_UNAVAILABLE, "the list broke off: %s", strerror(-r));
}

static void
read_queue(struct qshape *q)
{
	BUF_CLEANUP struct buf why = {0};
	struct alone alone = {0};
	struct inquiry_entries e;
	struct chan *c = NULL;
	int r = alone_open(&alone, q->conf, &c);

	if (r < 0)
		say_fatal(EX_UNAVAILABLE,
		    "Queue report unavailable - mail system is down");
	buf_init(&why, 4096);
	r = inquiry_list(c, false, &e, &why);
	if (r == -EPERM)
		say_fatal(EX_NOPERM,
		    "this user is not allowed to view the mail queue");
	if (r < 0)
		say_fatal(EX_UNAVAILABLE, "%s", why.p);
	count_all(q, &e);
	alone_end(&alone, &c);
}

static void
read_drop(struct qshape *q)
{
	struct inquiry_entries e;
	int r = drop_list(q->conf, &e);

	if (r < 0)
		say_fatal(EX_UNAVAILABLE, "maildrop: %s", strerror(-r));
	count_all(q, &e);
}

static void
run(void *arg)
{
	struct qshape *q = arg;

	if ((q->queues & QUEUE_DROP) != 0)
		read_drop(q);
	if ((q->queues & ADMIN_QUEUES) != 0)
		read_queue(q);
}

/* A name, or the path of the queue's directory. */
static uint64_t
parse_queue(const struct qshape *q, const char *text)
{
	struct str name = str_c(text);
	struct str dir = conf_str(q->conf, PARAM_queue_directory);
	uint64_t bit;

	while (name.len > 1 && name.p[name.len - 1] == '/')
		name.len--;
	if (str_has_prefix(name, dir) && name.len > dir.len &&
	    name.p[dir.len] == '/')
		name = str_from(name, dir.len + 1);
	bit = queue_bit(name);
	if (bit == 0)
		say_fatal(EX_USAGE, "there is no queue %s", text);
	return bit;
}

static uint64_t
parse_number(int option, uint64_t max)
{
	uint64_t n;

	if (str_parse_u64(str_c(optarg), max, &n) < 0)
		say_fatal(EX_USAGE, "-%c %s: not a number, or too large",
		    option, optarg);
	return n;
}

static void
read_options(struct qshape *q, int argc, char **argv)
{
	struct ages *a = &q->ages;
	int option;

	while ((option = getopt(argc, argv, "b:c:lm:n:N:pst:w:")) != -1) {
		if (option == 'b')
			a->buckets =
			    (unsigned)parse_number('b', AGES_BUCKETS_MAX);
		else if (option == 'c')
			q->conf_dir = optarg;
		else if (option == 'l')
			a->is_linear = true;
		else if (option == 'm')
			a->subdomains = (unsigned)parse_number('m', NUMBER_MAX);
		else if (option == 'n')
			q->top = parse_number('n', NUMBER_MAX);
		else if (option == 'N')
			q->batch = parse_number('N', NUMBER_MAX);
		else if (option == 'p')
			a->has_parents = true;
		else if (option == 's')
			q->has_senders = true;
		else if (option == 't')
			a->tick = (unsigned)parse_number('t', AGES_TICK_MAX);
		else if (option == 'w')
			a->width = (unsigned)parse_number('w', NUMBER_MAX);
		else
			usage();
	}
}

int
main(int argc, char **argv)
{
	static struct qshape q = {.batch = 1000, .top = 20};

	say_init("qshape");
	read_options(&q, argc, argv);
	q.conf = say_conf(q.conf_dir, EX_CONFIG);
	for (int i = optind; i < argc; i++)
		q.queues |= parse_queue(&q, argv[i]);
	if (q.queues == 0)
		q.queues = ADMIN_QUEUE_ACTIVE;
	if (!isatty(STDOUT_FILENO)) /* then all of it, once */
		q.batch = q.top = 0;
	clock_update();
	q.now = clock_wall();
	ages_init(&q.ages);
	inquiry_run(run, &q);
	if (q.batch > 0)
		fputs(CLEAR, stdout);
	ages_print(&q.ages, stdout, (size_t)q.top);
	ages_done(&q.ages);
	conf_free(&q.conf);
	if (fflush(stdout) == EOF || ferror(stdout))
		say_fatal(EX_IOERR, "standard output: %s", strerror(errno));
	return EX_OK;
}
