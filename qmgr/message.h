/* SPDX-License-Identifier: ISC */
/*
 * message - one message in qmgr's hands, from the taker's parcel to "removed".
 *
 *	taken -> active <-> waiting -> (active) -> gone
 *
 * While it is active its body (envelope, progress, content) is in memory and
 * each recipient that is not done is open: in routing, in the schedule, in an
 * agent's hands, or on its way into the journal.  When none is open any more
 * the message is looked at: finished, or a notification is due, or it waits
 * for its next attempt, or for room where there was none (a ticket of the
 * schedule's), as a struct of some 200 bytes.
 */
#ifndef QMGR_MESSAGE_H
#define QMGR_MESSAGE_H

#include "mail/outcome.h"
#include "mail/proto/admin.h"
#include "mail/queue/store.h"
#include "schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct qmgr;
struct request;

enum message_state {
	MESSAGE_TAKEN, /* on its way into the journal */
	MESSAGE_ACTIVE,
	MESSAGE_WAITING, /* until `due` */
	MESSAGE_HELD,    /* in hold/ */
	MESSAGE_STOPPED, /* steered: what becomes of it is on its way */
};

struct message {
	struct store_item item; /* first */
	enum message_state state;
	bool is_found;    /* of a run before this one */
	bool is_suspect;  /* in hand when an agent ended */
	bool is_called;   /* there is room where it waits for it */
	bool is_midway;   /* its attempt has begun, and goes on then */
	uint8_t strikes;  /* it was alone in hand then */
	uint8_t attempts; /* of this run; up to what expiry needs */
	uint16_t pins;    /* records on their way that change it */
	int64_t due;      /* mono, while it waits */
	size_t place;     /* in the heap of those that wait, from 1 */
	struct schedule_message turns;
	STAILQ_ENTRY(message) link; /* in the list of those to be routed */
	struct active *active;      /* NULL: not active */
};

/* What an active message needs. */
struct active {
	struct store_body *body;
	struct errand *errands; /* one a recipient */
	size_t open;            /* recipients, and a notification */
	size_t waiting;         /* recipients, for room at their destinations */
	size_t skipped;         /* recipients, for it is not their time */
	bool is_rest;           /* only for what had no room before */
	int64_t since;          /* wall clock: "b" of delays counts from here */
	uint64_t attempt;
	size_t budget;           /* bytes of content accounted for */
	struct notice *notice;   /* the notification that is being made */
	unsigned noticed;        /* kinds tried, as bits of enum bounce_about */
	struct steered *steered; /* what a person wants of it (steer.c) */
	bool is_deleted;         /* durably; what is in hand comes back first */
};

static inline struct message *
message_of(struct store_item *item)
{
	return (struct message *)(void *)item;
}

static inline struct message *
message_of_turns(struct schedule_message *turns)
{
	return (struct message *)(void *)((char *)turns -
					  offsetof(struct message, turns));
}

static inline struct str
message_id(const struct message *m)
{
	return str_c(m->item.id);
}

/* What tools call the place where it is. */
enum admin_queue message_queue(const struct message *m);
struct message *message_find(struct qmgr *q, struct str id);

/* Of an id that an earlier run left; it is loaded when it becomes active. */
struct message *message_found(struct qmgr *q, struct str id);
/* All of those, once the store has said where they are. */
void message_place_found(struct qmgr *q);

/* A request about it has ended: did it end the agent as well? */
void message_strike(struct message *m, const struct request *r);

/* One that could not be read, and stands in no heap: what is damaged goes to
 * corrupt/ and is forgotten, else it waits. */
void message_put_aside(
    struct qmgr *q, struct message *m, int error, const char *why);

/* Into hold/, where it waits for a person. */
void message_hold(struct qmgr *q, struct message *m, const char *why);

/* A new one with its body; known by its id from now on. */
struct message *message_new(struct qmgr *q, struct store_body *body);
void message_drop(struct qmgr *q, struct message *m);  /* it was not taken */
void message_taken(struct qmgr *q, struct message *m); /* it is durable */

/* Its content is in memory: 0 or -errno. */
int message_content(struct qmgr *q, struct message *m);

const struct recipient *message_recipient(
    const struct message *m, uint64_t index);

/*
 * What became of recipients in one attempt.  They are recorded, then logged
 * with `agent` and `started` (wall clock: when the job began), then no longer
 * open.
 */
struct message_result {
	uint64_t index;
	struct outcome outcome;
	bool is_repeatable; /* the delivery, made again, finds itself */
};
void message_results(struct qmgr *q, struct message *m, const char *agent,
    int64_t started, const struct message_result *results, size_t n);
/* The same for one. */
void message_result(struct qmgr *q, struct message *m, const char *agent,
    int64_t started, uint64_t index, const struct outcome *o);

/* A deferral by our own trouble (system, configuration): the mail is not to
 * blame, nor the host it goes to, and it never ends by it. */
bool message_is_ours(const struct outcome *o);

/* Nothing more is to be told of these recipients (as in struct entry_marks):
 * done. */
void message_settle_told(struct qmgr *q, struct message *m, struct str done);

/* One that was open is not any more. */
void message_close(struct qmgr *q, struct message *m, size_t n);

/* Attempt it; `body` is a passive one's, and now the message's. */
void message_begin(
    struct qmgr *q, struct message *m, struct store_body *body, bool is_flush);

/* ---- wake.c ---- */

/* Those that wait and are due, or were called, become active, as far as there
 * is room. */
void message_wake(struct qmgr *q);
void message_flush(struct qmgr *q); /* all that wait are due now */

/* ---- for steer.c ---- */

/* A passive one becomes active, with nothing attempted and none open: 0 or
 * -errno, as store_load(). */
int message_open(struct qmgr *q, struct message *m);
/* An active one with none open becomes passive: MESSAGE_STOPPED. */
void message_shut(struct qmgr *q, struct message *m);
/* A passive one is gone. */
void message_forget(struct qmgr *q, struct message *m);
/* No more of its recipients are attempted: those in the schedule are closed,
 * those in an agent's hands come back. */
void message_stop(struct qmgr *q, struct message *m);
bool message_is_stopped(const struct message *m);

/* The scan of deferred/ and hold/: one that waits there. */
void message_waits(
    struct qmgr *q, struct str id, enum entry_queue queue, int64_t next);

#endif
