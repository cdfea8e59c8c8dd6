/* SPDX-License-Identifier: ISC */
/*
 * proto/admin - the administrator's tools and qmgr, on
 * $queue_directory/public/showq (anyone may connect) and
 * $queue_directory/private/qmgr (root).  Both take the same requests: the
 * kernel says whose they are (SO_PEERCRED), and that says what he may.
 *
 *	tool                                     qmgr
 *	  ADMIN_LIST                          ->  authorized_mailq_users
 *	                                      <- ADMIN_LISTING + a pipe
 *	  ADMIN_STATUS                        ->  authorized_mailq_users
 *	                                      <- ADMIN_STATE
 *	  ADMIN_FLUSH                         ->  authorized_flush_users
 *	                                      <- ADMIN_DONE
 *	  ADMIN_STEER                         ->  root
 *	                                      <- ADMIN_STEERED, once durable
 *	  ADMIN_SHOW                          ->  root, the queue's owner
 *	                                      <- ADMIN_MESSAGE + content's fds
 *	  ADMIN_CHECK                         ->  root
 *	                                      <- ADMIN_CHECKED
 *	  ADMIN_TAKE + content's fds          ->  root
 *	                                      <- ADMIN_TAKEN, once durable
 *
 * What cannot be done is answered by ADMIN_DONE with an error.  At most
 * ADMIN_OPEN_MAX requests of a conversation are unanswered.
 *
 * Through the pipe comes each message: the length (4 bytes, of this machine's
 * order) of a struct admin_entry as bytes (base/shape.h), and those; a length
 * of 0 ends the list.  Without it the list is not whole.
 */
#ifndef MAIL_PROTO_ADMIN_H
#define MAIL_PROTO_ADMIN_H

#include "base/chan.h"
#include "mail/content.h"
#include "mail/envelope.h"
#include "mail/outcome.h"

#define ADMIN_OPEN_MAX  4
#define ADMIN_IDS_MAX   1000 /* in one request */
#define ADMIN_ENTRY_MAX (64 * 1024 * 1024)
#define ADMIN_SITES_MAX 1000 /* destinations in one answer */

enum admin_kind {
	ADMIN_LIST,
	ADMIN_LISTING,
	ADMIN_FLUSH,
	ADMIN_STEER,
	ADMIN_STEERED,
	ADMIN_SHOW,
	ADMIN_MESSAGE,
	ADMIN_STATUS,
	ADMIN_STATE,
	ADMIN_TAKE,
	ADMIN_TAKEN,
	ADMIN_CHECK,
	ADMIN_CHECKED,
	ADMIN_DONE,
	ADMIN_KINDS,
};

struct admin_list {
	uint64_t only_names; /* queue and id alone: no file is read for it */
};
struct admin_listing {
	uint64_t total; /* messages, about */
};
struct admin_recipient {
	struct str address;
	struct str reason; /* why it is deferred; empty: not tried */
};
struct admin_entry {
	struct str queue; /* "active", "deferred", "hold", "maildrop" */
	struct str id;
	int64_t arrival;
	uint64_t size;
	uint64_t forced_expire; /* it is returned when it is looked at next */
	struct str sender;
	struct rows recipients; /* that are not done */
};
extern const struct shape admin_entry_shape;

/* What waits is tried now: one message, those for a site, or all. */
struct admin_flush {
	struct str id;
	struct str site; /* a domain, of fast_flush_domains */
};

/* As postsuper(1) has them. */
enum admin_action {
	ADMIN_DELETE,
	ADMIN_HOLD,
	ADMIN_RELEASE,
	ADMIN_EXPIRE,         /* returned when it is looked at next */
	ADMIN_EXPIRE_RELEASE, /* and, if held, now */
	ADMIN_REQUEUE,
	ADMIN_ACTIONS,
};

enum admin_queue { /* bits */
	ADMIN_QUEUE_ACTIVE = 1,
	ADMIN_QUEUE_DEFERRED = 2,
	ADMIN_QUEUE_HOLD = 4,
	ADMIN_QUEUES = 7,
};
/* As Postfix calls it, of one; and back, 0: there is none of the name. */
const char *admin_queue_name(enum admin_queue queue);
uint64_t admin_queue_named(struct str name);

struct admin_id {
	struct str id;
};
struct admin_steer {
	uint64_t action; /* enum admin_action */
	uint64_t queues; /* enum admin_queue: those in others are left alone */
	struct rows ids; /* struct admin_id */
};
struct admin_steered {
	struct rows ids; /* struct admin_id: it was done to these */
	struct rows
	    released;      /* of ADMIN_EXPIRE_RELEASE: those that were held */
	uint64_t failed;   /* to so many it could not be done: */
	uint64_t error;    /* errno of the last ... */
	struct str reason; /* ... and what it means */
};

struct admin_show {
	struct str id;
};
struct admin_mark {
	uint64_t done;
	uint64_t attempted; /* else the outcome says nothing */
	struct outcome outcome;
};
struct admin_message {
	struct str queue;
	uint64_t attempts;
	int64_t next; /* wall clock, ns: the next attempt; 0: not planned */
	uint64_t forced_expire;
	struct envelope envelope;
	struct rows marks; /* struct admin_mark, one a recipient */
	struct content_wire content;
};

/* What the queue is doing. */
struct admin_status {
	uint64_t destinations; /* so many of them, those with most to do */
};
struct admin_counts {
	uint64_t taken, bytes;            /* messages, of whoever made them */
	uint64_t sent, deferred, bounced; /* recipients, each attempt */
	uint64_t removed;                 /* messages */
};
struct admin_destination {
	struct str transport, nexthop;
	uint64_t waiting; /* recipients, for a job */
	uint64_t busy;    /* jobs at work */
	uint64_t window;  /* jobs at a time, at present */
	uint64_t is_dead; /* one probe at a time */
	int64_t next;     /* ns from now: no job before; 0: at any time */
	struct str why;   /* what the last job that failed said */
};
struct admin_state {
	int64_t started, now; /* wall clock, ns */
	uint64_t active, deferred, held;
	uint64_t waiting;           /* recipients, for a job */
	uint64_t busy;              /* jobs at work */
	uint64_t journal;           /* percent in use */
	uint64_t is_open;           /* takes mail ... */
	struct str why;             /* ... or why not */
	struct admin_counts all;    /* since the start */
	struct admin_counts recent; /* within the last ... */
	int64_t span;               /* ... ns, a minute at most */
	uint64_t destinations;      /* there are so many: */
	struct rows shown;          /* struct admin_destination */
};

/* A message that another queue had.  It gets an id of this queue; one whose
 * own id lives here is refused with EEXIST. */
struct admin_take {
	struct envelope envelope;
	struct content_wire content;
};
struct admin_taken {
	struct str id;
};

/* The queue's structure, a part at a time: the directories of deferred/ by
 * their numbers, then these. */
enum admin_check_part {
	ADMIN_CHECK_HOLD = 256,
	ADMIN_CHECK_JOURNAL,
	ADMIN_CHECK_TMP,
	ADMIN_CHECK_PARTS,
};
struct admin_check {
	uint64_t part;
	uint64_t has_content; /* each message is read; else names alone */
};
struct admin_checked {
	uint64_t messages; /* that were looked at */
	uint64_t moved;    /* files that did not lie where they belong: taken in
	                      under a new id */
	uint64_t corrupt;  /* into corrupt/ */
	uint64_t foreign;  /* that are none of the queue's: left */
	uint64_t purged;   /* temporary files that nobody writes: removed */
};

struct admin_done {
	uint64_t count;
	uint64_t error; /* errno */
	struct str text;
};

extern const struct protocol admin_protocol;

#endif
