/* SPDX-License-Identifier: ISC */
/*
 * envelope - who sent a message, when, how it came, and to whom it goes.
 * The same value travels from taker to qmgr, stands in the queue, and goes
 * on to the programs that deliver.  Shapes: base/shape.h.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/shape.h"
#include "base/str.h"

#include <stdint.h>

#define ENVELOPE_RCPT_MAX  50000 /* after expansion */
#define ENVELOPE_QID_MAX   32
#define ENVELOPE_LOOPS_MAX 100

/* What is to be done with a recipient that was already decided (by local,
 * for a .forward or an alias): see struct action. */
enum action_kind {
	ACTION_NONE = 0, /* route the address */
	ACTION_MAILDIR,
	ACTION_MBOX,
	ACTION_FILE, /* /file/name of an alias: as mbox, of that user */
	ACTION_COMMAND,
	ACTION_EXPANDED, /* nothing: others took its place, and its sender
	                    asked to hear of it (RFC 3461) */
};

/*
 * One final delivery as a user: what mda's child carries out.  The child can
 * touch what lies below `root`, and writes to `path`, relative to it or
 * absolute inside it.  A command can touch all that its user can; `root` is
 * the directory it is started in, empty for the user's home.
 */
struct action {
	uint64_t kind; /* enum action_kind */
	uint64_t uid, gid;
	uint64_t mail_gid; /* extra group for /var/mail; 0: none */
	struct str user;   /* login name, for the environment and log */
	struct str home;
	struct str shell;
	struct str root;
	struct str path; /* or the command's text */
	struct str
	    relay; /* "local" or "virtual": the program's name in the log */
	uint64_t limit;      /* mailbox_size_limit; 0: none */
	uint64_t time_limit; /* of a command, seconds */
};
extern const struct shape action_shape;

/* NOTIFY of RFC 3461 as bits; 0: the default (failure, delay). */
enum notify {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8
};

/* RET of RFC 3461; 0: not said. */
enum ret {
	RET_FULL = 1,
	RET_HDRS = 2
};

struct recipient {
	struct str address; /* internal form, as it is to be delivered */
	struct str
	    original;       /* as the client gave it: X-Original-To, orig_to= */
	struct str orcpt;   /* ORCPT of RFC 3461, xtext decoded; empty: none */
	uint64_t notify;    /* enum notify */
	struct rows action; /* none, or one struct action */
};
extern const struct shape recipient_shape;

struct envelope {
	struct str id;     /* queue id */
	struct str sender; /* internal form; empty: null sender */
	int64_t arrival;   /* wall clock, ns */
	uint64_t size;     /* of the content, bytes */
	struct str client; /* "name[address]", or "local" */
	struct str helo;
	struct str proto;       /* "ESMTP" ... */
	struct str login;       /* authenticated user; empty: none */
	struct str envid;       /* RFC 3461 */
	uint64_t ret;           /* enum ret */
	uint64_t body_8bit;     /* BODY=8BITMIME was said or seen */
	uint64_t utf8;          /* SMTPUTF8 is required */
	uint64_t hops;          /* Received lines in the content */
	uint64_t is_bounce;     /* a notification of our own */
	uint64_t hold;          /* it waits for a person from the start */
	struct str filter;      /* "transport:nexthop" that all of it goes to,
	                           whoever the recipient; empty: none */
	struct rows loops;      /* struct loop_mark: Delivered-To lines seen */
	struct rows recipients; /* struct recipient */
};
extern const struct shape envelope_shape;

struct loop_mark {
	struct str address; /* of a Delivered-To line, lower case */
};
extern const struct shape loop_mark_shape;

#endif
