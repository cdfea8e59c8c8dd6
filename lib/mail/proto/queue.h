/* SPDX-License-Identifier: ISC */
/*
 * proto/queue - takers (smtpd, pickup, bounce) and qmgr.
 *
 *	taker                                    qmgr
 *	  QUEUE_JOIN                          ->
 *	                                      <- QUEUE_GENERATION, the answer
 *	                                      <- QUEUE_STATE at each change
 *	  QUEUE_ENQUEUE + content's fds       ->
 *	                                      <- QUEUE_QUEUED (same exchange),
 *	                                         once it is on stable storage
 *
 * At most QUEUE_OPEN_MAX enqueues of a taker are unanswered.  When a
 * conversation breaks before QUEUE_QUEUED the taker tells its client 451: the
 * message may be queued, and the client will send it again (RFC 5321 section
 * 4.5.4.1; security.md's P3).  An enqueue is never repeated by the taker.
 */
#ifndef MAIL_PROTO_QUEUE_H
#define MAIL_PROTO_QUEUE_H

#include "base/chan.h"
#include "mail/content.h"
#include "mail/envelope.h"

#define QUEUE_OPEN_MAX 1000

enum queue_kind {
	QUEUE_JOIN,
	QUEUE_GENERATION,
	QUEUE_STATE,
	QUEUE_ENQUEUE,
	QUEUE_QUEUED,
	QUEUE_KINDS,
};

struct queue_join {
	struct str program;
};
struct queue_generation {
	uint64_t generation; /* of ids (mail/qid.h); never given twice */
};
struct queue_state {
	uint64_t is_open; /* takes mail */
	uint64_t room;    /* bytes a message may have now */
	struct str dsn;   /* why not: "4.3.1" */
	struct str text;  /* "Insufficient system storage" */
};
struct queue_enqueue {
	struct envelope envelope;
	struct content_wire content;
	struct str parent; /* empty, or the message that it is a notification
	                      of: what it tells of is told by the same record */
};
enum queue_verdict {
	QUEUE_OK,
	QUEUE_RETRY,
	QUEUE_REFUSED
};
struct queue_queued {
	uint64_t verdict;
	struct str dsn;
	struct str text;
};

extern const struct protocol queue_protocol;

#endif
