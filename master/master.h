/* SPDX-License-Identifier: ISC */
/*
 * master - what the files of master share: the suite as it runs.
 *
 *	plan.c       what the configuration asks for
 *	programs.c   what there is to start, and who may talk to whom
 *	place.c      the directories, their owners and modes, the lock
 *	who.c        the users
 *	target.c     where the log goes
 *	listeners.c  ports and sockets: bound once, never closed by a reload
 *	tables.c     files of tables: opened, handed out, watched
 *	keyring.c    what keys is told and handed
 *	spawn.c      fork and exec of one program
 *	child.c      a process from its start to its end
 *	broker.c     what the processes say, and the conversations they want
 *	dial.c       connections to servers that are none of the suite
 *	keeper.c     time: starts that are due, deadlines, tables that changed
 *	reload.c     another plan in place of this one
 *	stop.c       the end, in turns
 *	report.c     the socket of `valija status`, `reload`, `stop`, `user`
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "plan.h"

#include "base/chan.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/task.h"

#define STATUS_TEXT_MAX 256
#define WANT_NAME_MAX   129

/* ---- the suite ---- */

enum child_state {
	CHILD_STARTING,
	CHILD_READY,
	CHILD_LEAVING
};

struct child {
	TAILQ_ENTRY(child) next;
	struct master *master;
	struct service *service;
	struct plan *plan; /* keeps service alive */
	struct chan *control;
	pid_t pid;
	uid_t uid;
	enum child_state state;
	bool is_urgent; /* told to leave now */
	unsigned asked; /* CONTROL_CONFIG, CONTROL_DRAIN without an answer */
	int64_t started;
	int64_t deadline; /* of its state: then it is killed */
	char text[STATUS_TEXT_MAX];
};

/* Somebody waits for a service that is not ready. */
struct want {
	TAILQ_ENTRY(want) next;
	struct child *child;
	uint32_t exchange;
	char name[WANT_NAME_MAX]; /* of the service: plans come and go */
};

struct master {
	const char *conf_dir;
	const char *program_dir;
	bool is_root;
	bool is_foreground;
	bool is_behind; /* it has left the terminal of who started it */
	bool is_stopping;
	int exit_code;
	int report_fd; /* whoever started us waits on it; -1: nobody */
	int tool_fd;   /* a tool has the queue alone, by this end of its
	                  conversation with qmgr; -1: a suite as any */

	int queue_fd, maildrop_fd; /* directories */
	struct str queue_directory;
	int lock_fd;
	int queue_lock_fd; /* qmgr has it as well */
	enum log_target log_target;
	int log_fd; /* a copy, for children */

	struct plan *plan;
	struct plan *old_plan; /* serves until the new one is up */
	uint64_t generation;   /* the last one that was made */
	TAILQ_HEAD(, child) children;
	TAILQ_HEAD(, want) wants;
	TAILQ_HEAD(, dial) dials;
	struct task_queue wake;  /* the keeper has work */
	struct task_queue ended; /* a process ended, is ready, or has done */
	int64_t tables_at;       /* when to look at the tables */
	int64_t replaced_at;     /* when a process was last replaced */
	enum program_turn turn;  /* while stopping */
};

/* ---- who.c ---- */

/* The users of all programs and the groups of mail_owner; when some are
 * missing: -ENOENT, having said which command makes them. */
int who_check(const struct master *m);
int who_find(const struct program_row *program, uid_t *ret_uid, gid_t *ret_gid);
/* All but root directory and directories; from the plan's configuration. */
int who_is(const struct master *m, const struct service *s,
    struct sandbox_identity *ret);

/* ---- place.c ---- */

/* Make what is missing, refuse what is not as it must be (said). */
int place_open(struct master *m);
int place_lock(struct master *m);       /* -EBUSY: another master runs (said) */
int place_lock_queue(struct master *m); /* the queue alone (said) */
void place_unlock(struct master *m);

/* ---- target.c ---- */

int target_open(struct master *m); /* by the plan; said when it fails */
int target_reopen(struct master *m);
/* What the C library says of a master that dies is to stand in the log. */
void target_take_stderr(const struct master *m);

/* ---- listeners.c ---- */

#define LISTENERS_MAX 200 /* of a service */

/* Bind what the plan's services listen on and is not bound yet. */
int listeners_bind(struct master *m, struct plan *p);
/* Close what no plan in use names. */
void listeners_prune(const struct master *m);
int listeners_open_sockets(struct master *m); /* in public/ and private/ */
int listeners_socket(const char *name);       /* "pickup"; -1: none */
void listeners_remove_sockets(const struct master *m);

/* ---- tables.c ---- */

/* A descriptor or -errno; notes in `f` what it was. */
int tables_open(struct plan_file *f);
bool tables_changed(struct service *s);
/* Is there a process whose tables changed?  Replace it. */
void tables_watch(struct master *m);
/* At once, those who are told in place; when it returns they know.  Waits. */
int tables_tell(struct master *m);

/* ---- spawn.c ---- */

/* The pid, and our end of its control channel; or -errno. */
pid_t spawn_program(
    const struct master *m, const struct service *s, int *ret_control);

/* ---- child.c ---- */

int child_start(struct master *m, struct service *s);
void child_leave(struct child *c, bool is_urgent);
void child_kill(struct child *c);
void child_done(struct child *c);  /* it did what it was asked last */
void child_close(struct child *c); /* its control channel: it must go */
void child_reap(struct master *m); /* all that ended */
/* To one that is ready, qmgr: another configuration, tables opened anew. */
void child_reconfigure(struct child *c, struct service *s);

/* ---- broker.c ---- */

extern const struct chan_events broker_events;

void broker_send_start(struct child *c);
void broker_send_log(struct child *c);
void broker_send_config(struct child *c);
void broker_serve_wants(struct master *m); /* of services that are ready */
bool broker_is_wanted(const struct master *m, const struct service *s);
void broker_forget(struct child *c); /* it wants nothing any more */
struct child *broker_server(const struct master *m, struct str name);
/* A conversation of master's own with one that serves: our end, or -errno. */
int broker_link(struct child *server);
/* The answer to a request: no descriptor, or this one (which is closed). */
void broker_refuse(struct child *c, uint32_t exchange, int error);
void broker_give(struct child *c, uint32_t exchange, struct str peer, int fd);

/* ---- dial.c ---- */

/* Connect, and answer as to a request for a link. */
void dial_start(struct child *c, uint32_t exchange, struct str endpoint);
void dial_forget(struct child *c);

/* ---- keeper.c ---- */

void keeper_run(void *master); /* a task */
void keeper_wake(struct master *m);

/* ---- reload.c ---- */

/* The plan's services are all ready. */
bool reload_is_up(const struct master *m);
/* Wait for that: 0, or -errno when one of them does not start. */
int reload_wait_up(struct master *m);
/* Read, check, start; waits until the new plan is up and nothing new is done
 * by the old one, or has failed and the old one stays.  0 or -errno; what is
 * wrong is logged and told to `say`. */
int reload_run(struct master *m, conf_remark_fn say, void *arg);

/* ---- stop.c ---- */

void stop_begin(struct master *m, int exit_code);
int64_t stop_go_on(struct master *m); /* the keeper's; when to look again */

/* ---- report.c ---- */

int report_open(struct master *m);
void report_up(struct master *m, bool ok); /* to whoever started us */

#endif
