/* SPDX-License-Identifier: ISC */
/*
 * valija_export - `export`: messages out of the queue, into files.
 *
 *	valija export [-d dir] [filter] [queue-id...]
 *
 * A message leaves in this order: it is put on hold, so that nothing becomes
 * of it meanwhile; its file is written and flushed, and the file's name; then
 * it is deleted from the queue.  Whatever ends at whatever point leaves it in
 * the queue, or in the file, or in both; never in neither.
 */
#include "valija.h"

#include "alone.h"
#include "bar.h"
#include "export_file.h"
#include "filter.h"
#include "inquiry.h"

#include "base/file.h"
#include "base/log.h"
#include "mail/queue/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BATCH 100 /* messages on their way at a time */

struct one {
	char id[ENVELOPE_QID_MAX + 1];
	bool was_held;
	bool is_held;    /* by now */
	bool is_written; /* its file is there */
};

struct export
{
	const struct conf *conf;
	const char *dir;
	int dirfd;
	struct filter filter;
	const char *queue; /* NULL: any */
	char **wanted;     /* queue ids; NULL: any */
	int nwanted;

	struct chan *chan;
	struct bar bar;
	struct one *all;
	size_t n, room;
	size_t exported;
	bool is_asked_to_stop;
	int code; /* exit code: the first that is not EX_OK */
};

static void
fail(struct export *x, int code, const char *id, const char *text)
{
	bar_clear(&x->bar);
	fprintf(stderr, "valija: error: %s%s%s\n", id,
	    id[0] != '\0' ? ": " : "", text);
	if (x->code == EX_OK)
		x->code = code;
}

/* ---- which messages ---- */

static bool
is_wanted(const struct export *x, const struct admin_entry *e)
{
	bool is_named = x->nwanted == 0;

	for (int i = 0; i < x->nwanted; i++)
		is_named = is_named || str_eq(e->id, str_c(x->wanted[i]));
	if (x->queue != NULL && !str_eq(e->queue, str_c(x->queue)))
		return false;
	return is_named && filter_matches(&x->filter, e, clock_wall());
}

static void
take_entry(struct export *x, const struct admin_entry *e)
{
	struct one *one;

	/* What waits in maildrop/ is no message of the queue yet. */
	if (!is_wanted(x, e) || str_eq(e->queue, STR("maildrop")) ||
	    e->id.len > ENVELOPE_QID_MAX)
		return;
	if (x->n == x->room) {
		x->room = x->room == 0 ? BATCH : 2 * x->room;
		x->all = reallocarray(x->all, x->room, sizeof(*x->all));
		if (x->all == NULL)
			log_fatal("out of memory for %zu messages", x->room);
	}
	one = &x->all[x->n++];
	*one = (struct one){.was_held = str_eq(e->queue, STR("hold"))};
	memcpy(one->id, e->id.p, e->id.len);
}

static int
find_all(struct export *x, struct buf *why)
{
	struct inquiry_entries e;
	int r = inquiry_list(x->chan, false, &e, why);

	if (r < 0)
		return r;
	while ((r = inquiry_next(&e)) > 0)
		take_entry(x, &e.entry);
	inquiry_end(&e);
	if (r < 0)
		buf_addf(why, "the list broke off: %s", strerror(-r));
	return r;
}

/* ---- a batch ---- */

static struct one *
find_one(struct one *batch, size_t n, struct str id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(id, str_c(batch[i].id)))
			return &batch[i];
	return NULL;
}

typedef bool (*pick_fn)(const struct one *one);

static bool
to_hold(const struct one *one)
{
	return !one->was_held;
}

static bool
to_delete(const struct one *one)
{
	return one->is_written;
}

static bool
to_release(const struct one *one)
{
	return one->is_held && !one->was_held && !one->is_written;
}

/* An action on those that `pick` takes; `done` is called for each it was done
 * to. */
static void
steer(struct export *x, struct one *batch, size_t n, enum admin_action action,
    pick_fn pick, void (*done)(struct export *x, struct one *one))
{
	BUF_CLEANUP struct buf why = {0};
	struct admin_id ids[BATCH];
	struct admin_steer ask = {
	    .action = action, .queues = ADMIN_QUEUES, .ids = {ids, 0}};
	const struct admin_steered *steered;
	const struct admin_id *id;
	struct parcel answer;

	for (size_t i = 0; i < n; i++)
		if (pick(&batch[i]))
			ids[ask.ids.n++].id = str_c(batch[i].id);
	if (ask.ids.n == 0)
		return;
	buf_init(&why, LOG_LINE_MAX);
	if (inquiry_call(
		x->chan, ADMIN_STEER, &ask, ADMIN_STEERED, &answer, &why) < 0) {
		fail(x, EX_UNAVAILABLE, "", why.p);
		x->is_asked_to_stop = true;
		return;
	}
	steered = answer.value;
	id = steered->ids.p;
	for (size_t i = 0; i < steered->ids.n; i++) {
		struct one *one = find_one(batch, n, id[i].id);

		if (one != NULL)
			done(x, one);
	}
	if (steered->failed > 0) {
		buf_addf(&why, "%llu of %zu: %.*s",
		    (unsigned long long)steered->failed, ask.ids.n,
		    STR_ARG(steered->reason));
		fail(x, EX_TEMPFAIL, "", why.p);
	}
	parcel_done(&answer);
}

static void
note_held(struct export *x, struct one *one)
{
	(void)x;
	one->is_held = true;
}

static void
note_deleted(struct export *x, struct one *one)
{
	x->exported++;
	printf("%s/%s%s\n", x->dir, one->id, EXPORT_FILE_SUFFIX);
}

static void
note_released(struct export *x, struct one *one)
{
	(void)x;
	one->is_held = false;
}

/* The envelope without the recipients that are done. */
static void
leave_out_done(
    const struct admin_message *m, struct envelope *e, struct arena *a)
{
	const struct recipient *all = m->envelope.recipients.p;
	const struct admin_mark *marks = m->marks.p;
	struct recipient *left =
	    arena_array(a, m->envelope.recipients.n + 1, sizeof(*left));
	size_t n = 0;

	*e = m->envelope;
	for (size_t i = 0; i < m->envelope.recipients.n; i++)
		if (i >= m->marks.n || !marks[i].done)
			left[n++] = all[i];
	e->recipients = (struct rows){left, n};
}

static int
write_message(
    struct export *x, const struct one *one, struct parcel *p, struct buf *why)
{
	ARENA_CLEANUP struct arena a = {0};
	const struct admin_message *m = p->value;
	struct content *content = NULL;
	struct export_head h = {
	    .id = str_c(one->id),
	    .host = conf_str(x->conf, PARAM_myhostname),
	    .exported = clock_wall(),
	    .held = one->was_held,
	    .attempts = m->attempts,
	};
	int r = content_receive(&m->content, p, &content);

	arena_init(&a, SIZE_MAX / 2); /* an envelope has its bounds */
	leave_out_done(m, &h.envelope, &a);
	h.envelope.hold = 0; /* what was so when it came is over */
	if (r == 0 && h.envelope.recipients.n == 0)
		r = -ENOENT;
	if (r == 0)
		r = export_file_write(x->dirfd, &h, content);
	content_unref(&content);
	if (r < 0)
		buf_addf(why, "%s/%s%s: %s", x->dir, one->id,
		    EXPORT_FILE_SUFFIX, strerror(-r));
	return r;
}

/* Is it worth going on after this? */
static bool
may_go_on(int error)
{
	return error != -ENOSPC && error != -EDQUOT && error != -EIO &&
	       error != -EROFS && error != -EPIPE;
}

static void
write_one(struct export *x, struct one *one)
{
	BUF_CLEANUP struct buf why = {0};
	struct admin_show ask = {.id = str_c(one->id)};
	struct parcel answer;
	int r;

	buf_init(&why, LOG_LINE_MAX);
	r = inquiry_call(
	    x->chan, ADMIN_SHOW, &ask, ADMIN_MESSAGE, &answer, &why);
	if (r == 0) {
		r = write_message(x, one, &answer, &why);
		parcel_done(&answer);
	}
	one->is_written = r == 0;
	if (r == 0)
		return;
	fail(x, EX_IOERR, one->id, why.p);
	if (!may_go_on(r))
		x->is_asked_to_stop = true;
}

static void
export_batch(struct export *x, struct one *batch, size_t n)
{
	int r;

	steer(x, batch, n, ADMIN_HOLD, to_hold, note_held);
	for (size_t i = 0; i < n; i++)
		if ((batch[i].was_held || batch[i].is_held) &&
		    !x->is_asked_to_stop)
			write_one(x, &batch[i]);
	r = dir_sync(x->dirfd);
	if (r < 0) {
		fail(x, EX_IOERR, x->dir, strerror(-r));
		x->is_asked_to_stop = true;
		for (size_t i = 0; i < n; i++)
			batch[i].is_written = false;
	}
	steer(x, batch, n, ADMIN_DELETE, to_delete, note_deleted);
	steer(x, batch, n, ADMIN_RELEASE, to_release, note_released);
	fflush(stdout);
}

static void
stop(int signo, void *arg)
{
	struct export *x = arg;

	(void)signo;
	x->is_asked_to_stop = true;
	if (x->code == EX_OK)
		x->code = EX_TEMPFAIL;
}

static void
export_all(struct export *x)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, LOG_LINE_MAX);
	if (find_all(x, &why) < 0) {
		fail(x, EX_UNAVAILABLE, "", why.p);
		return;
	}
	bar_start(&x->bar, "messages", x->n);
	for (size_t at = 0; at < x->n && !x->is_asked_to_stop; at += BATCH) {
		size_t n = x->n - at < BATCH ? x->n - at : BATCH;

		export_batch(x, x->all + at, n);
		if (!isatty(STDOUT_FILENO)) /* else its lines show it */
			bar_show(&x->bar, at + n);
	}
	bar_end(&x->bar);
	if (x->exported < x->n && x->code == EX_OK)
		x->code =
		    EX_TEMPFAIL; /* it left the queue by itself, perhaps */
	fprintf(stderr, "Exported: %zu message%s\n", x->exported,
	    x->exported == 1 ? "" : "s");
}

static void
run(void *arg)
{
	struct export *x = arg;
	struct alone alone = {0};
	int r;

	loop_signal(SIGINT, stop, x);
	loop_signal(SIGTERM, stop, x);
	r = alone_open(&alone, x->conf, &x->chan);
	if (r < 0) {
		fail(x, EX_UNAVAILABLE, "the queue cannot be asked",
		    strerror(-r));
		return;
	}
	export_all(x);
	alone_end(&alone, &x->chan);
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: valija [-c dir] export [-d dir] [--from address] "
	    "[--to address]\n\t[--domain domain] [--age time] [--reason text] "
	    "[--queue name] [queue-id...]\n");
	return EX_USAGE;
}

/* An option of those that say which; false, it is wrong. */
static bool
set_filter(struct export *x, int option)
{
	struct filter *f = &x->filter;

	switch (option) {
	case 'f':
		f->from = optarg;
		return true;
	case 't':
		f->to = optarg;
		return true;
	case 'o':
		f->domain = optarg;
		return true;
	case 'r':
		f->reason = optarg;
		return true;
	case 'a':
		return filter_parse_age(optarg, &f->age);
	case 'q':
		x->queue = optarg;
		return admin_queue_named(str_c(optarg)) != 0;
	default:
		return false;
	}
}

static int
read_options(struct valija *v, struct export *x)
{
	static const struct option options[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"to", required_argument, NULL, 't'},
	    {"domain", required_argument, NULL, 'o'},
	    {"reason", required_argument, NULL, 'r'},
	    {"age", required_argument, NULL, 'a'},
	    {"queue", required_argument, NULL, 'q'},
	    {NULL},
	};
	int option;

	optind = 1;
	while ((option = getopt_long(v->argc, v->argv, "d:", options, NULL)) !=
	       -1) {
		if (option == 'd')
			x->dir = optarg;
		else if (!set_filter(x, option))
			return usage();
	}
	x->wanted = v->argv + optind;
	x->nwanted = v->argc - optind;
	for (int i = 0; i < x->nwanted; i++)
		if (!dirs_is_id(str_c(x->wanted[i]))) {
			fail(x, EX_USAGE, x->wanted[i],
			    "not a queue id; -d names the directory");
			return EX_USAGE;
		}
	return EX_OK;
}

int
valija_export(struct valija *v)
{
	struct export x = {.conf = v->conf, .dir = ".", .dirfd = -1};
	int code = read_options(v, &x);

	if (code != EX_OK)
		return code;
	x.dirfd = open(x.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x.dirfd < 0) {
		fail(&x, EX_CANTCREAT, x.dir, strerror(errno));
		return x.code;
	}
	inquiry_run(run, &x);
	fd_close(&x.dirfd);
	free(x.all);
	if (fflush(stdout) == EOF)
		fail(&x, EX_IOERR, "standard output", strerror(errno));
	return x.code;
}
