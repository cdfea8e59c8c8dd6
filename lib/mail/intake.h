/* SPDX-License-Identifier: ISC */
/*
 * intake - what happens to a message between a taker's hands and the queue:
 * header_checks and the like, header repair, address rewriting, expansion,
 * loop counting, hand-over.
 * The one implementation for smtpd, pickup and bounce (what other suites do
 * in a separate cleanup service).
 *
 * A transaction:
 *
 *	struct intake *t = intake_begin(taker, &origin);
 *	intake_id(t);                      the queue id, from the start
 *	intake_sender(t, addr); intake_recipient(t, ...)
 *	intake_bytes(t, bytes)...          content: lines ended by LF
 *	r = intake_commit(t, ...);         waits for the disk
 *	intake_end(&t);
 *
 * Bytes may come in blocks of any size, cut anywhere; or a line at a time
 * with intake_line().  The body is passed on as it is: only a final LF is
 * added where it is missing.
 */
#ifndef MAIL_INTAKE_H
#define MAIL_INTAKE_H

#include "base/str.h"
#include "mail/addr.h"
#include "mail/envelope.h"
#include "mail/taker.h"

#include <stdbool.h>

/* How a message came: for its Received line and its repairs. */
struct intake_origin {
	struct str client;      /* "name[address]" as logged; empty: "local" */
	struct str client_name; /* "unknown" when it has none */
	struct str client_addr;
	struct str helo;
	struct str proto;     /* SMTP, ESMTP ...; empty: local (by uid) */
	struct str login;     /* who has logged in; empty: nobody */
	bool shows_login;     /* in the Received line */
	struct str tls;       /* lines of Received: mail/tls_text.h */
	uint64_t uid;         /* for local mail: "(Postfix, from userid N)" */
	bool is_hidden;       /* the trace line names no client */
	bool is_local_header; /* rewrite and complete headers
	                         (local_header_rewrite_clients) */
	bool is_bounce;       /* a notification */
	bool is_notice;       /* ... for a postmaster, of trouble with a peer */
	bool extract_recipients; /* -t: To, Cc, Bcc */
	struct str full_name;    /* sendmail -F */
	struct str envid;
	uint64_t ret;
	bool body_8bit, utf8;
	uint64_t notify; /* of extracted recipients */
};

enum intake_result {
	INTAKE_QUEUED,
	INTAKE_RETRY,   /* 4xx: *ret_dsn, *ret_text say why */
	INTAKE_REFUSED, /* 5xx */
};

struct intake;

/* Never NULL, copies *o.  Waits when qmgr is not there; when it does not come
 * in INTAKE_BEGIN_TIME the id is "NOQUEUE" and commit will say RETRY. */
#define INTAKE_BEGIN_TIME (10 * CLOCK_SEC)
#define INTAKE_TIME       (300 * CLOCK_SEC) /* for qmgr to take it */
struct intake *intake_begin(struct taker *t, const struct intake_origin *o);
void intake_end(struct intake **t); /* drops what was not committed */
struct str intake_id(const struct intake *t);

/* Both before any content. */
void intake_sender(struct intake *t, struct addr sender);
/* 0; -E2BIG beyond ENVELOPE_RCPT_MAX; -EINVAL: not an address. */
int intake_recipient(struct intake *t, const struct recipient *r);

/*
 * What a table had done with it, at any time before the commit: it waits in
 * hold/; it goes to `to` and to nobody else, or to `to` too (0 or -EINVAL); it
 * goes to a filter, "transport:nexthop", in place of content_filter.
 */
void intake_hold(struct intake *t);
int intake_redirect(struct intake *t, struct str to);
int intake_copy(struct intake *t, struct str to);
void intake_filter(struct intake *t, struct str filter);

/* 0; -EMSGSIZE (message_size_limit, or header limits), -ENOSPC ...  After an
 * error the rest may be given and is ignored; commit refuses. */
int intake_line(struct intake *t, struct str line); /* without its LF */
int intake_bytes(struct intake *t, struct str bytes);

/* It is the notification of `parent_id`: that its sender was told stands in
 * the same record that makes this one. */
void intake_parent(struct intake *t, struct str parent_id);

/* Waits until qmgr has it on stable storage.  *ret_dsn, *ret_text live as
 * long as `t`. */
enum intake_result intake_commit(
    struct intake *t, struct str *ret_dsn, struct str *ret_text);

/* Was it a REJECT of header_checks(5) for which commit refused it (also for
 * now: the text may say 4)?  Then the text is the administrator's own. */
bool intake_is_rejected(const struct intake *t);

#endif
