/* SPDX-License-Identifier: ISC */
/*
 * qmgr - the loop around the queue: what the disk has done is collected, jobs
 * are given out, what was appended goes to the disk, and once a second what
 * is due becomes active.
 */
#include "qmgr.h"

#include "base/log.h"
#include "admin.h"
#include "children.h"
#include "inhand.h"
#include "listing.h"
#include "mail/proto/lookup.h"
#include "mail/proto/spawn.h"
#include "results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TICK         CLOCK_SEC
#define SAY_EVERY    5 /* ticks */
#define DRAIN_PAUSE  (20 * CLOCK_MS)
#define DRAIN_URGENT (5 * CLOCK_SEC)
#define KEEP         8 /* segments, before what waits moves out */

void
qmgr_poke(struct qmgr *q)
{
	loop_at_turn_end(&q->turn_end);
}

bool
qmgr_is_at_rest(const struct qmgr *q)
{
	return q->is_draining || q->is_for_tool;
}

bool
qmgr_new_id(struct qmgr *q, char ret_id[QID_LEN + 1])
{
	uint64_t generation;

	if (!q->has_ids) {
		if (store_generation(q->store, &generation) < 0)
			return false;
		qid_init(&q->ids, generation);
		q->has_ids = true;
	}
	qid_next(&q->ids, ret_id);
	return true;
}

size_t
qmgr_held(const struct qmgr *q)
{
	return q->messages.count - q->room.messages - q->nheap;
}

/* ---- the end of a turn ---- */

static void
give_jobs(struct qmgr *q)
{
	struct schedule_job job;

	q->ask_again = CLOCK_NEVER;
	while (!qmgr_is_at_rest(q) &&
	       schedule_next(q->schedule, clock_mono(), &job, &q->ask_again))
		delivery_start(q, &job);
	if (q->ask_again < q->asks_at)
		task_wake_one(&q->asker);
}

/* A rate delay ends between two ticks. */
static void
ask_in_time(void *arg)
{
	struct qmgr *q = arg;
	int r;

	for (;;) {
		q->asks_at = q->ask_again;
		r = task_wait(&q->asker, q->asks_at);
		if (r == -ECANCELED)
			return;
		if (r == 0)
			continue;
		q->ask_again = CLOCK_NEVER;
		qmgr_poke(q);
	}
}

static void
end_turn(void *arg)
{
	struct qmgr *q = arg;

	message_wake(q);
	give_jobs(q);
	notice_send(q);
	store_submit(q->store);
	if (store_is_due(q->store))
		loop_at_turn_end(&q->settle);
	else if (store_late(q->store) != CLOCK_NEVER)
		task_wake_one(&q->late);
}

/* What can wait has waited long enough. */
static void
submit_late(void *arg)
{
	struct qmgr *q = arg;
	int r = 0;

	while (r != -ECANCELED) {
		int64_t when = store_late(q->store);

		if (when == CLOCK_NEVER)
			task_wait(&q->late, CLOCK_NEVER);
		else
			task_sleep(when);
		qmgr_poke(q);
		r = task_yield(); /* to the end of the turn */
	}
}

/* Behind what this turn sends, which is done meanwhile. */
static void
settle(void *arg)
{
	struct qmgr *q = arg;

	store_collect(q->store);
	qmgr_poke(q);
}

static void
collect(void *arg)
{
	struct qmgr *q = arg;

	while (io_wait_read(&q->store_io, CLOCK_NEVER) == 0) {
		q->store_io.readable = false;
		settle(q);
	}
}

/* For `valija status`; now and then, for it is one packet more. */
static void
say_size(struct qmgr *q)
{
	char text[sizeof(q->said)];

	if (q->stats.n % SAY_EVERY != 0)
		return;
	snprintf(text, sizeof(text), "%zu active, %zu deferred, %zu on hold",
	    q->room.messages, q->nheap, qmgr_held(q));
	if (strcmp(text, q->said) == 0)
		return;
	memcpy(q->said, text, sizeof(text));
	serve_status(q->serve, text);
}

static void
tick(void *arg)
{
	struct qmgr *q = arg;

	while (task_sleep(clock_after(TICK)) == 0) {
		qmgr_poke(q);
		store_tick(q->store, clock_mono());
		results_retry(q);
		children_tend(q);
		takers_tell(q);
		say_size(q);
		stats_tick(&q->stats, clock_mono());
	}
}

/* A host is dead: what waits for it is deferred with its last word. */
static void
suspend(
    void *arg, struct schedule_message *turns, struct errand *e, struct str why)
{
	struct qmgr *q = arg;
	struct outcome o;
	char text[OUTCOME_TEXT_MAX];

	qmgr_suspension(why, text, &o);
	message_result(
	    q, message_of_turns(turns), "error", clock_wall(), e->index, &o);
}

void
qmgr_suspension(
    struct str why, char ret_text[OUTCOME_TEXT_MAX], struct outcome *ret)
{
	struct str dsn, text;

	str_cut(why, ' ', &dsn, &text);
	snprintf(ret_text, OUTCOME_TEXT_MAX,
	    "delivery temporarily suspended: %.*s", STR_ARG(text));
	*ret = (struct outcome){
	    .state = OUTCOME_DEFERRED,
	    .dsn = dsn,
	    .text = str_c(ret_text),
	    .relay = STR("none"),
	};
}

/* ---- what the store tells ---- */

static void
set_alarm(void *arg, bool on)
{
	struct qmgr *q = arg;

	q->has_alarm = on;
	if (on)
		log_error("the queue's disk fails: no mail is taken until a "
			  "flush succeeds");
	else
		log_info("the queue's disk works again: mail is taken");
	takers_tell(q);
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	log_warning("%s", text);
}

static struct store_item *
found(void *arg, struct str id)
{
	return &message_found(arg, id)->item;
}

static struct store_item *
known(void *arg, struct str id)
{
	struct message *m = message_find(arg, id);

	return m == NULL ? NULL : &m->item;
}

static void
scanned(void *arg, struct str id, enum entry_queue queue, int64_t next)
{
	message_waits(arg, id, queue, next);
}

static void
scan(void *arg)
{
	struct qmgr *q = arg;
	struct store_scan scan = {.known = known, .each = scanned, .arg = q};

	while (store_scan(q->store, &scan))
		if (task_yield() < 0)
			return;
	q->is_scanned = true;
	qmgr_poke(q);
}

/* ---- start, reconfiguration, end ---- */

static size_t
memory_share(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages < 0 ? 64 * 1024 * 1024 : (size_t)pages * (size_t)size / 8;
}

static void
set_budget(struct qmgr *q)
{
	struct rlimit r = {.rlim_cur = 1024};

	getrlimit(RLIMIT_NOFILE, &r);
	q->content_bytes_max = memory_share();
	q->content_fds_max = (size_t)r.rlim_cur / 2;
}

static int
open_store(struct qmgr *q, struct buf *why)
{
	uint64_t size =
	    (uint64_t)conf_int(q->site->conf, PARAM_queue_journal_size);
	struct store_config config = {
	    .dirfd = q->queue_dir,
	    .disk = &disk_real,
	    .threaded = true,
	    .segment_size = SEGMENT_SIZE,
	    .journal_size = size,
	    .keep = KEEP,
	};
	struct store_events events = {.alarm = set_alarm, .say = say, .arg = q};
	int fd;

	q->store = store_open(&config, &events, found, why);
	if (q->store == NULL)
		return -EIO;
	q->inhand = inhand_open(q->queue_dir);
	message_place_found(q);
	fd = fcntl(store_fd(q->store), F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : io_init(&q->store_io, fd);
}

static void
init(struct qmgr *q, struct serve *sv)
{
	struct schedule_events events = {
	    .limits = site_limits, .suspended = suspend, .arg = q};

	q->serve = sv;
	q->turn_end = (struct loop_call){.fn = end_turn, .arg = q};
	q->settle = (struct loop_call){.fn = settle, .arg = q};
	q->ask_again = CLOCK_NEVER;
	task_queue_init(&q->asker);
	q->started = clock_wall();
	stats_tick(&q->stats, clock_mono());
	map_init(&q->messages);
	map_init(&q->services);
	STAILQ_INIT(&q->to_route);
	STAILQ_INIT(&q->unsettled);
	STAILQ_INIT(&q->notices.waiting);
	TAILQ_INIT(&q->children);
	LIST_INIT(&q->takers);
	q->copies =
	    (struct quota){.all_max = LISTINGS_MAX, .user_max = LISTINGS_USER};
	task_queue_init(&q->routers);
	task_queue_init(&q->late);
	q->schedule = schedule_new(&events, &q->room);
	q->lookup = link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	q->mda = link_new(sv, "mda", &spawn_protocol, NULL, NULL);
}

int
qmgr_start(struct qmgr *q, struct serve *sv, struct buf *why)
{
	int r;

	init(q, sv);
	set_budget(q);
	q->queue_dir = serve_gift(sv, STR("dir:queue"));
	q->site = site_new(q, serve_config(sv), why);
	if (q->site == NULL)
		return -EINVAL;
	site_set_room(q);
	r = open_store(q, why);
	if (r < 0)
		return r;
	q->is_for_tool = serve_gift(sv, STR("tool")) >= 0;
	q->is_ready = true;
	q->admin = admin_new(q);
	routing_start(q);
	task_start(collect, q);
	task_start(tick, q);
	task_start(submit_late, q);
	task_start(ask_in_time, q);
	task_start(scan, q);
	qmgr_poke(q);
	return 0;
}

void
qmgr_reconfigure(struct qmgr *q, struct str config)
{
	BUF_CLEANUP struct buf why = {0};
	struct site *s;

	buf_init(&why, 4096);
	s = site_new(q, config, &why);
	if (s == NULL)
		log_error("the new configuration is not used: %s", why.p);
	else
		site_replace(q, s);
	services_renew(q);
	takers_tell(q); /* queue_minfree */
	qmgr_poke(q);
}

/* No more mail in, no more jobs out; what agents have in hand comes back. */
void
qmgr_drain(struct qmgr *q)
{
	int64_t deadline = CLOCK_NEVER;

	if (q->is_draining)
		return;
	q->is_draining = true;
	takers_tell(q);
	while (q->jobs > 0 && clock_mono() < deadline) {
		if (serve_is_urgent(q->serve) && deadline == CLOCK_NEVER)
			deadline = clock_after(DRAIN_URGENT);
		if (task_sleep(clock_after(DRAIN_PAUSE)) < 0)
			break;
	}
	store_sync(q->store);
	serve_exit(q->serve, 0);
}
