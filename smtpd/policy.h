/* SPDX-License-Identifier: ISC */
/*
 * policy - check_policy_service: a server that is none of the suite is told
 * of a request and says what an access table would (Postfix's
 * SMTPD_POLICY_README).
 *
 *	smtpd                                    the server
 *	  name=value LF, a row of them, LF    ->
 *	                                      <- action=VALUE LF, LF
 *
 * Connections are made by master and kept for the next request, one request
 * at a time on each.  A server that cannot be reached, is silent, or says
 * what is not understood is asked again, and then the default action counts:
 * a refusal for now, unless the site says otherwise.
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/serve.h"
#include "base/str.h"
#include "mail/conf.h"

#include <stdbool.h>

#define POLICY_OPEN_MAX    100 /* connections to one server; others wait */
#define POLICY_LINES_MAX   100 /* of a reply */
#define POLICY_REQUEST_MAX (64 * 1024)

struct policy;

/* What stands behind the word: "inet:host:port", or that and settings of its
 * own, "inet:host:port, timeout=10s, default_action=DUNNO".  NULL with `why`.
 */
struct policy *policy_new(
    const struct conf *c, struct str spec, struct buf *why);
void policy_free(struct policy **p);

struct str policy_context(const struct policy *p); /* to be told to it */

/* Waits.  What is to be done, as on the right side of an access table. */
struct str policy_ask(
    struct policy *p, struct serve *sv, struct str request, struct arena *a);

/* The request about what is in question now, into `out`. */
struct check;
void policy_describe(
    const struct check *c, const struct policy *p, struct buf *out);

/* A reply, line by line.  0: more must come; 1: that was the end, `action` is
 * set (in `a`); -EBADMSG: it is none. */
struct policy_reply {
	struct str action;
	bool has_action;
	unsigned lines;
};
int policy_reply_line(struct policy_reply *r, struct str line, struct arena *a);

#endif
