/* SPDX-License-Identifier: ISC */
/*
 * proto/job - qmgr and a program that delivers: smtp, bounce, and mda's
 * children.
 *
 *	qmgr                                     agent
 *	  JOB_DELIVER + content's fds         ->
 *	                                      <- JOB_DONE (same exchange)
 *	                                      <- JOB_LEAVING (exchange 0)
 *
 * JOB_DONE holds an outcome for every recipient of the job, told once it is
 * durable: for a Maildir, when content, name and directories are on stable
 * storage.  What the agent leaves out, and all of them when the conversation
 * breaks, qmgr takes as deferred.  qmgr states by its scheduler how many jobs
 * are open; an agent takes what comes.  One that leaves (a reload, a table
 * that changed) says so: qmgr has the next job done by another, and ends the
 * conversation with the last answer.
 */
#ifndef MAIL_PROTO_JOB_H
#define MAIL_PROTO_JOB_H

#include "base/chan.h"
#include "base/requests.h"
#include "mail/content.h"
#include "mail/envelope.h"
#include "mail/outcome.h"

enum job_kind {
	JOB_DELIVER,
	JOB_DONE,
	JOB_BOUNCE,  /* to bounce: same answer */
	JOB_LEAVING, /* struct requests_leaving */
	JOB_KINDS,
};

struct job_recipient {
	uint64_t index; /* in the envelope: how outcomes name it */
	struct recipient recipient;
};
struct job_deliver {
	struct str id;
	struct str nexthop;
	struct str sender;
	int64_t arrival;
	uint64_t body_8bit, utf8, is_bounce;
	uint64_t is_again; /* an attempt before may have been interrupted */
	struct str envid;
	uint64_t ret;
	struct str header;      /* to stand before the content: Return-Path,
	                           X-Original-To, Delivered-To; LF-ended lines */
	struct rows recipients; /* struct job_recipient; action set for mda */
	struct content_wire content;
};

struct job_outcome {
	uint64_t index;
	struct outcome outcome;
	/* "transport:nexthop" that has to deliver it instead, at once; the
	 * outcome does not count then.  Empty: it does. */
	struct str elsewhere;
};
struct job_done {
	struct rows outcomes; /* struct job_outcome */
	uint64_t reused;      /* connections opened before this job and used */
	uint64_t is_lmtp;     /* by LMTP: the log says so */
	uint64_t unheard;     /* no host was reached that would talk to us */
};

/* What a notification is about. */
enum bounce_about {
	BOUNCE_FAILURE,
	BOUNCE_DELAY,
	BOUNCE_SUCCESS
};

/* More recipients than these are counted, not listed: a notification has a
 * bound, however many failed. */
#define JOB_REPORTS_MAX 1000

struct job_report {
	struct recipient recipient; /* without an action */
	struct outcome outcome;
	uint64_t for_sender; /* he asked to hear of it; postmasters hear all */
};
/* Answered by JOB_DONE with one row: what became of the notification. */
struct job_bounce {
	uint64_t about;           /* enum bounce_about */
	struct envelope envelope; /* of the message, without recipients */
	struct rows reports;      /* struct job_report */
	uint64_t more;            /* not listed ... */
	uint64_t more_for_sender; /* ... and those of them for the sender */
	uint64_t to_sender;
	struct str postmaster;       /* who gets a copy; empty: nobody */
	struct content_wire content; /* whole, or its header only (cut) */
	uint64_t cut;
};

extern const struct protocol job_protocol;

#endif
