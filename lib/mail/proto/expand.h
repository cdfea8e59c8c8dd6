/* SPDX-License-Identifier: ISC */
/*
 * proto/expand - qmgr asks local what becomes of a recipient whose final
 * delivery is on this host (transports local and virtual).
 *
 *	qmgr                                     local
 *	  EXPAND_ASK                          ->
 *	                                      <- EXPAND_ANSWER (same exchange)
 *
 * local sees no content: it decides.  One final delivery comes back as an
 * action that qmgr hands to mda's child of that user.  Anything else (aliases
 * with several members, .forward) comes back as a child message: qmgr writes
 * it, with `header` before the parent's content, in one record with the
 * parent recipient's status, so that a forward happens exactly once.
 */
#ifndef MAIL_PROTO_EXPAND_H
#define MAIL_PROTO_EXPAND_H

#include "base/chan.h"
#include "mail/envelope.h"
#include "mail/outcome.h"

enum expand_kind {
	EXPAND_ASK,
	EXPAND_ANSWER,
	EXPAND_KINDS
};

struct expand_ask {
	struct str id;
	struct str transport; /* the service: "local", "virtual" */
	struct str nexthop;
	struct str sender;
	struct recipient recipient;
	struct rows loops; /* struct loop_mark */
};

enum expand_verdict {
	EXPAND_DELIVER, /* actions[0] */
	EXPAND_FORWARD, /* child[0] */
	EXPAND_OUTCOME, /* outcomes[0]: no such user, a loop, cannot ask ... */
};
struct expand_child {
	struct str sender;
	uint64_t is_list;       /* of an alias with an owner, who is `sender` */
	struct rows recipients; /* struct recipient; may hold actions */
	struct str header;      /* LF-ended lines */
};
struct expand_answer {
	uint64_t verdict;
	struct rows actions;     /* struct action, 0 or 1 */
	struct rows children;    /* struct expand_child, 0 or 1 */
	struct rows outcomes;    /* struct outcome, 0 or 1 */
	struct str delivered_to; /* for the Delivered-To line; empty: none */
};

extern const struct protocol expand_protocol;

#endif
