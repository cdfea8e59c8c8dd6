/* SPDX-License-Identifier: ISC */
/* serve - the skeleton of every program that master starts. */
#include "base/serve.h"

#include "base/control.h"
#include "base/file.h"
#include "base/log.h"
#include "base/serve_args.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_MAX (16 * 1024 * 1024)
#define GIFTS_MAX  4096
#define ARENA_MAX  (4 * 1024 * 1024)
#define LOG_TICK   (5 * CLOCK_SEC)
#define HEAP_TRIM  (4 * 1024 * 1024)
#define HEAP_MMAP  (1024 * 1024)
#define HEAP_PAD   (256 * 1024)

struct gift {
	struct str name;
	int fd;
};

struct serve {
	const struct program *program;
	struct chan *control;
	struct arena arena; /* names: as long as the process */
	struct gift *gifts;
	size_t ngifts, cap;
	size_t ndirs; /* gifts that came by inheritance */
	struct str service;
	struct buf config;
	uint64_t generation;
	bool is_root_suite;
	uint64_t limit;
	bool is_started;  /* start() returned 0 */
	bool is_draining; /* told so ... */
	bool is_urgent;   /* ... and to be quick */
	int exit_code;
};

/* One that comes anew, at a reload, takes the place of the old. */
static void
add_gift(struct serve *sv, struct str name, int fd)
{
	for (size_t i = 0; i < sv->ngifts; i++) {
		if (!str_eq(sv->gifts[i].name, name))
			continue;
		fd_close(&sv->gifts[i].fd);
		sv->gifts[i].fd = fd;
		return;
	}
	if (sv->ngifts == sv->cap) {
		sv->cap = sv->cap == 0 ? 16 : sv->cap * 2;
		sv->gifts =
		    reallocarray(sv->gifts, sv->cap, sizeof(*sv->gifts));
		if (sv->gifts == NULL)
			log_fatal("out of memory for %zu gifts", sv->cap);
	}
	sv->gifts[sv->ngifts++] =
	    (struct gift){arena_str(&sv->arena, name), fd};
}

/* By offset: the descriptor's own is shared with all who hold it. */
static int
read_whole(int fd, struct buf *b)
{
	struct stat st;
	char *room;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	room = buf_room(b, (size_t)st.st_size);
	if (room == NULL)
		return -EMSGSIZE;
	r = fd_pread_all(fd, room, (size_t)st.st_size, 0);
	if (r == 0)
		buf_grew(b, (size_t)st.st_size);
	return r;
}

static void
read_config(struct serve *sv, struct parcel *p)
{
	FD_CLEANUP int fd = parcel_take_fd(p, 0);
	int r;

	buf_reset(&sv->config);
	r = fd < 0 ? -EBADF : read_whole(fd, &sv->config);
	if (r < 0)
		log_fatal("the configuration did not come: %s", strerror(-r));
}

static void
take_log(uint64_t target, int fd)
{
	if (fd >= 0)
		log_open((enum log_target)target, fd);
}

static void
take_start(struct serve *sv, struct parcel *p)
{
	const struct control_start *s = p->value;

	sv->service = arena_str(&sv->arena, s->service);
	sv->generation = s->generation;
	sv->is_root_suite = s->is_root_suite != 0;
	sv->limit = s->limit;
	log_name(s->syslog_name);
	log_host(s->hostname);
	log_facility((int)s->facility);
	read_config(sv, p);
	take_log(s->log_target, parcel_take_fd(p, 1));
}

static void
start_program(void *arg)
{
	struct serve *sv = arg;
	struct control_ready ready = {.pid = (uint64_t)getpid()};
	int r = sv->program->start(sv);

	if (r != 0) {
		log_error("cannot start%s%s", r < 0 ? ": " : "",
		    r < 0 ? strerror(-r) : "");
		serve_exit(sv, 1);
		return;
	}
	sv->is_started = true;
	chan_send(sv->control, CONTROL_READY, 0, &ready, NULL, 0);
}

static void
take_go(struct serve *sv, const struct control_go *go, size_t before)
{
	if (go->gifts != sv->ngifts - before)
		log_fatal("of %llu gifts %zu came",
		    (unsigned long long)go->gifts, sv->ngifts - before);
	task_start(start_program, sv);
}

static void
say_done(struct serve *sv)
{
	struct control_done done = {.generation = sv->generation};

	chan_send(sv->control, CONTROL_DONE, 0, &done, NULL, 0);
}

static void
reconfigure_program(void *arg)
{
	struct serve *sv = arg;

	if (sv->program->reconfigure != NULL)
		sv->program->reconfigure(sv, buf_str(&sv->config));
	say_done(sv);
}

static void
drain_program(void *arg)
{
	struct serve *sv = arg;

	if (sv->program->drain != NULL && sv->is_started)
		sv->program->drain(sv);
	else
		serve_exit(sv, 0);
}

/* After drain_program, which may wait for sessions, and all tasks that it
 * cancelled. */
static void
say_drained(void *arg)
{
	if (task_yield() == 0)
		say_done(arg);
}

static void
take_drain(struct serve *sv, bool is_urgent)
{
	if (sv->is_draining && (sv->is_urgent || !is_urgent))
		return;
	sv->is_draining = true;
	sv->is_urgent = is_urgent;
	task_start(drain_program, sv);
	task_start(say_drained, sv);
}

static void
take_link(struct serve *sv, struct parcel *p)
{
	const struct control_link *l = p->value;
	int fd = parcel_take_fd(p, 0);

	if (fd < 0)
		return;
	if (sv->program->linked == NULL) {
		log_warning("%.*s was linked to us, who serve nobody",
		    STR_ARG(l->peer));
		close(fd);
		return;
	}
	sv->program->linked(sv, l->peer, fd);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct serve *sv = arg;
	const struct control_gift *gift = p->value;
	const struct control_config *config = p->value;
	const struct control_log *log = p->value;
	const struct control_drain *drain = p->value;

	(void)c;
	switch ((enum control_kind)p->kind) {
	case CONTROL_START:
		take_start(sv, p);
		return;
	case CONTROL_GIFT:
		if (sv->ngifts < GIFTS_MAX)
			add_gift(sv, gift->name, parcel_take_fd(p, 0));
		return;
	case CONTROL_GO:
		take_go(sv, p->value, sv->ndirs);
		return;
	case CONTROL_LINK:
		take_link(sv, p);
		return;
	case CONTROL_LOG:
		take_log(log->log_target, parcel_take_fd(p, 0));
		return;
	case CONTROL_CONFIG:
		sv->generation = config->generation;
		read_config(sv, p);
		task_start(reconfigure_program, sv);
		return;
	case CONTROL_DRAIN:
		take_drain(sv, drain->reason != 0);
		return;
	case CONTROL_READY:
	case CONTROL_WANT:
	case CONTROL_CONNECT:
	case CONTROL_DONE:
	case CONTROL_STATUS:
	case CONTROL_KINDS:
		break;
	}
	log_fatal("master sent what only programs send");
}

/* Master is gone, or wants us gone: what is not on disk is not ours. */
static void
lose_master(struct chan *c, const char *why, void *arg)
{
	(void)c;
	if (*why != '\0')
		log_warning("master: %s", why);
	serve_exit(arg, 0);
}

static const struct chan_events control_events = {
    .on_parcel = take_parcel,
    .on_close = lose_master,
};

/* What the log's target did not take is tried again; a new target asked for
 * when it is gone. */
static void
tend_log(void *arg)
{
	struct serve *sv = arg;
	struct control_log lost = {0};

	while (task_sleep(clock_after(LOG_TICK)) == 0) {
		log_flush();
		if (log_lost())
			chan_send(sv->control, CONTROL_LOG, 0, &lost, NULL, 0);
	}
}

/* Memory that a burst took is kept: giving it back and taking it again would
 * be system calls on a message's way. */
static void
tune_heap(void)
{
	mallopt(M_TRIM_THRESHOLD, HEAP_TRIM);
	mallopt(M_MMAP_THRESHOLD, HEAP_MMAP);
	mallopt(M_TOP_PAD, HEAP_PAD);
	mallopt(M_ARENA_MAX, 1);
}

/* What wakes is not put before what runs: the programs wake each other several
 * times a message, and a change of process at each costs more than the turn
 * that is waited for.  A kernel that will not have it serves as well. */
static void
tune_turns(void)
{
	const struct sched_param none = {0};

	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
enter_sandbox(const struct program *p, const struct serve_args *args)
{
	const char *step = "";
	int r;

	/* The zone's file is out of reach later. */
	tzset();
	signal(SIGPIPE, SIG_IGN);
	closefrom(SERVE_DIR_FD + (int)args->who.ndir_fds);
	r = sandbox_enter(p->sandbox, &args->who, &step);
	if (r < 0)
		log_fatal(
		    "cannot enter the sandbox: %s: %s", step, strerror(-r));
}

static void
init(struct serve *sv, const struct program *p, const struct serve_args *args)
{
	*sv = (struct serve){.program = p};
	arena_init(&sv->arena, ARENA_MAX);
	buf_init(&sv->config, CONFIG_MAX);
	for (size_t i = 0; i < args->who.ndir_fds; i++)
		add_gift(sv, arena_strf(&sv->arena, "dir:%s", args->dirs[i]),
		    args->fds[i]);
	sv->ndirs = sv->ngifts;
}

int
serve_main(const struct program *p, int argc, char **argv)
{
	struct serve_args args;
	struct serve sv;
	int r;

	log_init(p->name);
	if (serve_args_parse(&args, argc, argv) < 0)
		log_fatal("is started by master, with its arguments");
	tune_turns();
	enter_sandbox(p, &args);
	tune_heap();
	init(&sv, p, &args);
	r = loop_init();
	if (r < 0)
		log_fatal("event loop: %s", strerror(-r));
	sv.control =
	    chan_new(CONTROL_FD, &control_protocol, &control_events, &sv);
	task_start(tend_log, &sv);
	log_gather();
	loop_run();
	log_flush();
	return sv.exit_code;
}

struct str
serve_service(const struct serve *sv)
{
	return sv->service;
}

struct str
serve_config(const struct serve *sv)
{
	return buf_str(&sv->config);
}

uint64_t
serve_generation(const struct serve *sv)
{
	return sv->generation;
}

bool
serve_is_root_suite(const struct serve *sv)
{
	return sv->is_root_suite;
}

uint64_t
serve_limit(const struct serve *sv)
{
	return sv->limit;
}

bool
serve_is_urgent(const struct serve *sv)
{
	return sv->is_urgent;
}

int
serve_gift(const struct serve *sv, struct str name)
{
	for (size_t i = 0; i < sv->ngifts; i++)
		if (str_eq(sv->gifts[i].name, name))
			return sv->gifts[i].fd;
	return -1;
}

size_t
serve_gifts(const struct serve *sv)
{
	return sv->ngifts;
}

struct str
serve_gift_name(const struct serve *sv, size_t i)
{
	assert(i < sv->ngifts);
	return sv->gifts[i].name;
}

/* A request of which the answer is a descriptor, or why there is none. */
static int
ask_fd(struct serve *sv, unsigned kind, const void *request, int64_t deadline)
{
	const struct control_link *l;
	struct parcel answer;
	int fd, r;

	r = chan_call(sv->control, kind, request, NULL, 0, &answer, deadline);
	if (r < 0)
		return r;
	r = -EPROTO;
	if (answer.kind == CONTROL_LINK) {
		l = answer.value;
		fd = parcel_take_fd(&answer, 0);
		r = l->error != 0 ? -(int)l->error : fd >= 0 ? fd : -EPROTO;
	}
	parcel_done(&answer);
	return r;
}

int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	struct control_want want = {.service = str_c(service)};

	return ask_fd(sv, CONTROL_WANT, &want, deadline);
}

int
serve_connect(struct serve *sv, struct str endpoint, int64_t deadline)
{
	struct control_connect connect = {.endpoint = endpoint};

	return ask_fd(sv, CONTROL_CONNECT, &connect, deadline);
}

void
serve_status(struct serve *sv, const char *text)
{
	struct control_status status = {.text = str_c(text)};

	chan_send(sv->control, CONTROL_STATUS, 0, &status, NULL, 0);
}

void
serve_exit(struct serve *sv, int code)
{
	sv->exit_code = code;
	loop_stop();
}
