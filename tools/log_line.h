/* SPDX-License-Identifier: ISC */
/*
 * log_line - a line of a mail log, read: ours, and those of Postfix.
 *
 *	Nov 24 09:00:01 mx postfix/smtpd[12]: 4Z...: client=a.example[192.0.2.1]
 *	2026-11-24T09:00:01.12+00:00 mx postfix/qmgr[7]: warning: 4Z...: TEXT
 *
 * As syslog, rsyslog, journalctl and maillog_file write them, with or without
 * "<22>" in front.  Whatever stands in a line was said by somebody: nothing
 * here trusts it, copies it or needs a NUL behind it.
 */
#ifndef TOOLS_LOG_LINE_H
#define TOOLS_LOG_LINE_H

#include "base/str.h"

#include <stdbool.h>

struct log_line {
	struct str stamp;   /* "Nov 24 09:00:01", or with RFC 3339 */
	struct str program; /* the last part of the tag: "smtpd" */
	struct str id;      /* queue id, "NOQUEUE", or empty */
	struct str event;   /* behind "ID: "; without an id the whole body */
};

/* What one message's line says about another message. */
enum log_tie {
	LOG_NO_TIE,
	LOG_NOTIFIED,  /* "sender non-delivery notification: ID" */
	LOG_FORWARDED, /* "status=sent (forwarded as ID)" */
	LOG_HANDED_ON, /* "status=sent (250 ... queued as ID)", on this host */
	LOG_REQUEUED,  /* "orig_id=ID", "orig_queue_id=ID": this one is the
	                  other's successor */
};

/* False: no line of a mail log. */
bool log_line_parse(struct str line, struct log_line *ret);

/* A queue id in the short or the long form. */
bool log_line_is_id(struct str s);

/* The other's id, and for a notification which: "sender delay ...". */
enum log_tie log_line_tie(
    const struct log_line *l, struct str *ret_id, struct str *ret_what);

/*
 * Take the next "name=<value>" off *rest, which begins as an event; false at
 * the end.  A value may hold '<' and '>', as addresses and message ids do.
 */
bool log_line_field(
    struct str *rest, struct str *ret_name, struct str *ret_value);

/*
 * Does the line name `who` as its sender, a recipient or its message id?
 * ASCII case is ignored.  "@example.com" stands for all addresses there.
 */
bool log_line_names(const struct log_line *l, struct str who);

/* The word behind ", status=" of a delivery's line; empty: no such line. */
struct str log_line_status(const struct log_line *l);

#endif
