/* SPDX-License-Identifier: ISC */
/*
 * qmgr - what the files of this program share: the one value that everything
 * hangs on.  No file of it has state of its own.
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "base/map.h"
#include "base/serve.h"
#include "base/task.h"
#include "mail/conf.h"
#include "mail/expansion.h"
#include "mail/match.h"
#include "mail/qid.h"
#include "mail/queue/store.h"
#include "mail/route.h"
#include "mail/tables.h"
#include "message.h"
#include "notice.h"
#include "quota.h"
#include "retry.h"
#include "schedule.h"
#include "stats.h"

#include <stdbool.h>

/* What was configured, as one value: replaced as a whole on reload, kept
 * while a task is inside an older one. */
struct site {
	struct conf *conf;
	struct tables tables;
	struct router *router;
	struct expansion *expansion; /* of what is requeued */
	/* authorized_mailq_users, _flush_users; fast_flush_domains */
	struct match *mailq_users, *flush_users, *flush_domains;
	unsigned users;
	bool is_old;
	int64_t lifetime, bounce_lifetime;
	struct retry_bounds backoff;
	uint64_t hops_max;
	uint64_t free_min;
	size_t messages_max, recipients_max; /* that are worked on */
	unsigned notices;                    /* enum notice_class, as bits */
	int64_t delay_warning;               /* 0: none */
	bool confirms_delay;
};

STAILQ_HEAD(message_list, message);

struct taker;
LIST_HEAD(taker_list, taker);
struct child;
TAILQ_HEAD(child_list, child);
struct settling;
STAILQ_HEAD(settling_list, settling);

struct inhand;
struct admin;

struct qmgr {
	struct serve *serve;
	struct link *lookup;
	struct site *site;
	int queue_dir;

	struct store *store;
	struct inhand *inhand;
	struct admin *admin;
	struct quota copies; /* of this process, that list the queue */
	struct io store_io;
	struct loop_call turn_end;
	struct task_queue late;  /* its task, while nothing can wait */
	struct loop_call settle; /* the flush of this turn */

	struct map messages;   /* by id */
	struct message **heap; /* those that wait, by due; from 1 */
	size_t nheap, heap_room;
	struct schedule_room room;         /* what is active */
	bool is_waking;                    /* more are due than one turn woke */
	size_t content_bytes, content_fds; /* in memory */
	size_t content_bytes_max, content_fds_max;

	struct message_list to_route;
	struct task_queue routers;
	struct schedule *schedule;
	int64_t ask_again; /* mono: the schedule has a job then */
	struct task_queue asker;
	int64_t asks_at; /* mono: when its task will */

	struct link *mda;
	struct map services; /* of agents, by name */
	struct child_list children;
	struct settling_list unsettled; /* the journal had no room */
	size_t jobs;                    /* in agents' hands */
	struct notices notices;

	struct taker_list takers;
	bool has_alarm;
	struct qid_maker ids; /* of messages made here */
	bool has_ids;

	struct stats stats;
	int64_t started; /* wall */
	char said[64];   /* to master, of the queue */

	bool is_ready;   /* the queue is open */
	bool is_scanned; /* all that waits in files is known */
	bool is_draining;
	bool is_for_tool; /* no suite runs: a tool has the queue alone */
};

struct site *site_new(struct qmgr *q, struct str config, struct buf *why);
void site_leave(struct site **s);
struct site *site_use(struct qmgr *q); /* until site_leave() */
void site_replace(struct qmgr *q, struct site *s);
void site_set_room(struct qmgr *q); /* as the site says */
/* A transport whose mail local and mda bring to this host's mailboxes. */
bool site_delivers(struct str transport);
void site_limits(void *arg, struct str transport, struct schedule_limits *ret);

/* Nothing is attempted and nobody told: what there is to do is recorded, for
 * a later run. */
bool qmgr_is_at_rest(const struct qmgr *q);

/* Something changed: at the end of this turn jobs are given out, and what was
 * appended goes to the disk. */
void qmgr_poke(struct qmgr *q);

int qmgr_start(struct qmgr *q, struct serve *sv, struct buf *why);
void qmgr_reconfigure(struct qmgr *q, struct str config);
void qmgr_drain(struct qmgr *q); /* waits; then serve_exit() */

/* To a dead destination: `why` is "DSN TEXT", what its host last said. */
void qmgr_suspension(
    struct str why, char ret_text[OUTCOME_TEXT_MAX], struct outcome *ret);

/* How many messages are in hold/. */
size_t qmgr_held(const struct qmgr *q);

/* An id for a message made here: false, for now there is none. */
bool qmgr_new_id(struct qmgr *q, char ret_id[QID_LEN + 1]);

/* routing.c */
void routing_start(struct qmgr *q);
void routing_add(struct qmgr *q, struct message *m);
/* An open recipient, which an agent did not deliver, goes to
 * "transport:nexthop" instead: once in an attempt. */
void routing_pass(
    struct qmgr *q, struct message *m, uint64_t index, struct str place);

/* takers.c */
void takers_linked(struct qmgr *q, struct str client, int fd);
void takers_tell(struct qmgr *q); /* whether mail is taken, where it changed */
bool takers_are_served(const struct qmgr *q, struct str *ret_why); /* is it? */

/* delivery.c: a job that the schedule gave out. */
void delivery_start(struct qmgr *q, struct schedule_job *job);
/* The action of a recipient, decided before: as an errand's transport. */
struct str delivery_action_transport(const struct recipient *r);

/* forward.c: a child message in a recipient's place. */
struct expand_child;
void forward_start(struct qmgr *q, struct message *parent, uint64_t index,
    const char *agent, int64_t started, const struct expand_child *child,
    struct str delivered_to);

/* report.c: the lines of the log. */
void report_active(const struct message *m);
void report_removed(const struct message *m);
/* "expired", "force-expired" */
void report_expired(const struct message *m, const char *how);
void report_recipient(const struct message *m, const char *agent,
    int64_t started, uint64_t index, const struct outcome *o);

/* services.c: conversations with programs that deliver. */
struct talk;
struct protocol;
struct talk *services_get(
    struct qmgr *q, struct str service, const struct protocol *proto);
/* Whatever is submitted from now on goes to the processes of the plan that
 * master has now; what was before stays with those that have it. */
void services_renew(struct qmgr *q);

#endif
