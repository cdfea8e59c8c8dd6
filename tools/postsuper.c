/* SPDX-License-Identifier: ISC */
/*
 * postsuper - deletes, holds, releases, returns and requeues messages:
 * postsuper(1).  qmgr does it; ids go to it in batches, and what is said here
 * is durable.
 */
#include "alone.h"
#include "bar.h"
#include "drop.h"
#include "inquiry.h"
#include "say.h"
#include "structure.h"

#include "mail/queue/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 1000
#define LINE_ROOM   4096

/* What can become of a message, in the order in which it is summed up. */
enum deed {
	REQUEUED,
	DELETED,
	EXPIRED,
	HELD,
	RELEASED,
	DEEDS,
};
static const struct {
	const char *done; /* "ID: removed" */
	const char *sum;  /* "Deleted: 1 message" */
} deeds[DEEDS] = {
    [REQUEUED] = {"requeued", "Requeued"},
    [DELETED] = {"removed", "Deleted"},
    [EXPIRED] = {"expired", "Force-expired"},
    [HELD] = {"placed on hold", "Placed on hold"},
    [RELEASED] = {"released from hold", "Released from hold"},
};

static const struct verb {
	enum admin_action action;
	char option;
	enum deed deed;
	uint64_t queues; /* unless others are named */
} verbs[] = {
    {ADMIN_REQUEUE, 'r', REQUEUED, ADMIN_QUEUES},
    {ADMIN_DELETE, 'd', DELETED, ADMIN_QUEUES},
    {ADMIN_HOLD, 'h', HELD, ADMIN_QUEUE_ACTIVE | ADMIN_QUEUE_DEFERRED},
    {ADMIN_RELEASE, 'H', RELEASED, ADMIN_QUEUE_HOLD},
    {ADMIN_EXPIRE, 'e', EXPIRED, ADMIN_QUEUES},
    {ADMIN_EXPIRE_RELEASE, 'f', EXPIRED, ADMIN_QUEUES}, /* and RELEASED */
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

struct postsuper {
	const char *conf_dir;
	struct conf *conf;
	struct chan *chan;
	struct {
		const struct verb *verb;
		const char *id;
	} wanted[OPTIONS_MAX];
	size_t nwanted;
	bool names_queues; /* else they are as the verb has them, */
	bool has_drops;    /* and for deletions maildrop/ is one */
	uint64_t queues;
	struct structure structure;
	/* Of the verb at hand: */
	const struct verb *verb;
	bool is_quiet; /* ALL: no line a message */
	struct buf names;
	struct admin_id ids[ADMIN_IDS_MAX];
	size_t n;
	struct bar bar;
	size_t seen;
	uint64_t done[DEEDS];
	bool was_wanted[DEEDS];
	int exit_code;
};

static void
usage(void)
{
	say_fatal(EXIT_FAILURE,
	    "usage: postsuper [-c config_dir] [-d queue_id (delete)] "
	    "[-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] "
	    "[-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary "
	    "files)] [-r queue_id (requeue)] [-s (structure fix)] [-S "
	    "(redundant structure fix)][-v (verbose)] [queue...]");
}

static void
refuse_user(void)
{
	say_fatal(
	    EXIT_FAILURE, "use of this command is reserved for the superuser");
}

static uint64_t
queues_of(const struct postsuper *p)
{
	return p->names_queues ? p->queues : p->verb->queues;
}

static void
tell_failed(struct postsuper *p, const struct admin_steered *s)
{
	say_warning("%llu message%s could not be %s: %.*s",
	    (unsigned long long)s->failed, s->failed == 1 ? "" : "s",
	    deeds[p->verb->deed].done, STR_ARG(s->reason));
	p->exit_code = EXIT_FAILURE;
}

static void
tell_deed(struct postsuper *p, enum deed deed, const struct rows *rows)
{
	const struct admin_id *ids = rows->p;

	for (size_t i = 0; i < rows->n && !p->is_quiet; i++)
		say_info("%.*s: %s", STR_ARG(ids[i].id), deeds[deed].done);
	p->done[deed] += rows->n;
}

static void
tell_done(struct postsuper *p, const struct admin_steered *s)
{
	if (!p->is_quiet || s->failed > 0)
		bar_clear(&p->bar);
	tell_deed(p, p->verb->deed, &s->ids);
	tell_deed(p, RELEASED, &s->released);
	p->seen += p->n;
	if (s->failed > 0)
		tell_failed(p, s);
	bar_show(&p->bar, p->seen);
}

static void
send_batch(struct postsuper *p)
{
	BUF_CLEANUP struct buf why = {0};
	struct admin_steer what = {
	    .action = p->verb->action,
	    .queues = queues_of(p),
	    .ids = {p->ids, p->n},
	};
	struct parcel answer;
	size_t at = 0;
	int r;

	if (p->n == 0)
		return;
	for (size_t i = 0; i < p->n; i++) { /* the names lie still now */
		p->ids[i].id.p = p->names.p + at;
		at += p->ids[i].id.len;
	}
	buf_init(&why, 4096);
	r = inquiry_call(
	    p->chan, ADMIN_STEER, &what, ADMIN_STEERED, &answer, &why);
	if (r == -EPERM)
		refuse_user();
	if (r < 0)
		say_fatal(EXIT_FAILURE, "%s", why.p);
	tell_done(p, answer.value);
	parcel_done(&answer);
	buf_reset(&p->names);
	p->n = 0;
}

/* From maildrop/; true: so many were there that no other queue is asked. */
static bool
remove_drops(struct postsuper *p, struct str id)
{
	bool has_drops = p->names_queues ? p->has_drops : true;
	int n;

	if (p->verb->action != ADMIN_DELETE || !has_drops)
		return false;
	n = drop_remove(p->conf, id);
	if (n == -EACCES)
		refuse_user();
	if (n < 0) {
		say_warning("maildrop: %s", strerror(-n));
		p->exit_code = EXIT_FAILURE;
		return false;
	}
	if (n > 0 && !p->is_quiet)
		say_info("%.*s: %s", STR_ARG(id), deeds[DELETED].done);
	p->done[DELETED] += (uint64_t)n;
	return n > 0;
}

static void
add_id(struct postsuper *p, struct str id)
{
	if (!dirs_is_id(id)) {
		say_warning("invalid mail queue id: %.*s", STR_ARG(id));
		return;
	}
	if ((!p->is_quiet && remove_drops(p, id)) || queues_of(p) == 0)
		return;
	buf_add_str(&p->names, id);
	p->ids[p->n++].id.len = id.len;
	if (p->n == ADMIN_IDS_MAX)
		send_batch(p);
}

static void
add_from_input(struct postsuper *p)
{
	char line[LINE_ROOM];

	while (fgets(line, sizeof(line), stdin) != NULL)
		add_id(p, str_trim(str_c(line)));
}

/* All that there are at this moment. */
static void
add_all(struct postsuper *p)
{
	uint64_t queues = queues_of(p);
	BUF_CLEANUP struct buf why = {0};
	struct inquiry_entries e;
	int r;

	(void)remove_drops(p, STR("ALL"));
	if (queues == 0)
		return;
	buf_init(&why, 4096);
	r = inquiry_list(p->chan, true, &e, &why);
	if (r < 0)
		say_fatal(EXIT_FAILURE, "%s", why.p);
	bar_start(&p->bar, "messages", e.total);
	while ((r = inquiry_next(&e)) > 0)
		if ((inquiry_queue(e.entry.queue) & queues) != 0)
			add_id(p, e.entry.id);
		else
			p->seen++;
	inquiry_end(&e);
	if (r < 0)
		say_fatal(EXIT_FAILURE, "the list broke off: %s", strerror(-r));
}

static void
carry_out(struct postsuper *p, const struct verb *verb)
{
	p->verb = verb;
	p->seen = 0;
	bar_start(&p->bar, "messages", 0);
	for (size_t i = 0; i < p->nwanted; i++) {
		const char *id = p->wanted[i].id;

		if (p->wanted[i].verb != verb)
			continue;
		p->was_wanted[verb->deed] = true;
		if (verb->action == ADMIN_EXPIRE_RELEASE)
			p->was_wanted[RELEASED] = true;
		p->is_quiet = strcmp(id, "ALL") == 0;
		if (p->is_quiet)
			add_all(p);
		else if (strcmp(id, "-") == 0)
			add_from_input(p);
		else
			add_id(p, str_c(id));
		send_batch(p);
	}
	bar_end(&p->bar);
}

static void
tell_sums(const struct postsuper *p)
{
	for (size_t i = 0; i < DEEDS; i++)
		if (p->was_wanted[i])
			say_info("%s: %llu message%s", deeds[i].sum,
			    (unsigned long long)p->done[i],
			    p->done[i] == 1 ? "" : "s");
}

static void
check_structure(struct postsuper *p)
{
	const struct structure *s = &p->structure;
	int r;

	if (!s->has_names && !s->has_content && !s->has_tmp)
		return;
	r = structure_check(p->chan, s);
	if (r == -EPERM)
		refuse_user();
	if (r < 0)
		p->exit_code = EXIT_FAILURE;
}

static void
run(void *arg)
{
	struct postsuper *p = arg;
	struct alone alone = {0};
	int r = alone_open(&alone, p->conf, &p->chan);

	if (r == -EACCES)
		refuse_user();
	if (r < 0)
		say_fatal(EXIT_FAILURE, "the queue manager cannot be asked: %s",
		    strerror(-r));
	check_structure(p);
	for (size_t i = 0; i < VERBS; i++)
		carry_out(p, &verbs[i]);
	tell_sums(p);
	alone_end(&alone, &p->chan);
}

static const struct verb *
find_verb(int option)
{
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].option == option)
			return &verbs[i];
	return NULL;
}

/* Postfix has more queues than we: nothing is in those. */
static void
name_queue(struct postsuper *p, const char *name)
{
	static const char *const empty[] = {
	    "defer", "bounce", "trace", "flush"};
	uint64_t bit = inquiry_queue(str_c(name));
	bool is_known = bit != 0;

	p->names_queues = true;
	p->queues |= bit;
	if (strcmp(name, "maildrop") == 0)
		is_known = p->has_drops = true;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		is_known = is_known || strcmp(name, empty[i]) == 0;
	if (!is_known)
		say_fatal(EXIT_FAILURE, "invalid directory name: %s", name);
}

static void
read_options(struct postsuper *p, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1) {
		const struct verb *verb = find_verb(option);

		if (option == 'c') {
			p->conf_dir = optarg;
		} else if (option == 'p') {
			p->structure.has_tmp = true;
		} else if (option == 's') {
			p->structure.has_names = true;
		} else if (option == 'S') {
			p->structure.has_content = true;
		} else if (option == 'v') {
			continue;
		} else if (verb == NULL || p->nwanted == OPTIONS_MAX) {
			usage();
		} else {
			p->wanted[p->nwanted].verb = verb;
			p->wanted[p->nwanted++].id = optarg;
		}
	}
	if (p->nwanted == 0 && !p->structure.has_tmp &&
	    !p->structure.has_names && !p->structure.has_content)
		p->structure.has_tmp = p->structure.has_names = true;
	for (int i = optind; i < argc; i++)
		name_queue(p, argv[i]);
}

int
main(int argc, char **argv)
{
	static struct postsuper p;

	say_init("postsuper");
	read_options(&p, argc, argv);
	p.conf = say_conf(p.conf_dir, EXIT_FAILURE);
	buf_init(&p.names, ADMIN_IDS_MAX * ENVELOPE_QID_MAX);
	inquiry_run(run, &p);
	buf_done(&p.names);
	conf_free(&p.conf);
	return p.exit_code;
}
