/* SPDX-License-Identifier: ISC */
/*
 * proto/memo - counters that all processes share: smtpd tells memo what its
 * clients and logins do, and asks how much that is by now.
 *
 *	smtpd                                    memo
 *	  MEMO_ASK                            ->
 *	                                      <- MEMO_ANSWER (same exchange)
 *	  MEMO_TELL                           ->    no answer
 *
 * A question is a row of counters, each with what is to be added to it (0:
 * nothing, just asked); the answer has their totals, in the same order.  A
 * total is that of a window, which begins with the first that is counted and
 * ends after the counter's period; then all is forgotten.
 *
 * MEMO_SESSIONS is no window: `n` is how many sessions the asker has of that
 * client now, and the total is that of all askers.  What one has ends with
 * his conversation; on a new one he tells all that he has once more, and in
 * one conversation parcels keep their order.
 *
 * Any number of questions may be open: memo answers without waiting.  The
 * client has a deadline of its own (MEMO_DEADLINE), and no answer is 'could
 * not ask', never 'too much': nobody is refused for it.
 */
#ifndef MAIL_PROTO_MEMO_H
#define MAIL_PROTO_MEMO_H

#include "base/chan.h"
#include "base/clock.h"

#define MEMO_DEADLINE   CLOCK_SEC
#define MEMO_KEY_MAX    320
#define MEMO_N_MAX      1000000
#define MEMO_COUNTS_MAX 64

enum memo_kind {
	MEMO_ASK,
	MEMO_ANSWER,
	MEMO_TELL,
	MEMO_KINDS
};

/* What is counted, under which key, in which period. */
enum memo_what {
	/* "service:network", in anvil_rate_time_unit */
	MEMO_SESSIONS, /* open now */
	MEMO_CONNECTIONS,
	MEMO_MESSAGES,
	MEMO_RECIPIENTS,
	MEMO_TLS_SESSIONS,
	MEMO_AUTHS,
	/* "network", in ten minutes */
	MEMO_AUTH_FAILURES,
	/* the login's name, in an hour */
	MEMO_LOGIN_FAILURES,
	MEMO_LOGIN_RECIPIENTS,
	/* "network login", in a week: where it has authenticated */
	MEMO_LOGIN_HOMES,
	MEMO_WHATS
};

struct memo_count {
	uint64_t what;
	struct str key;
	uint64_t n; /* to add; MEMO_SESSIONS: that there are */
};
struct memo_ask {
	struct rows counts; /* struct memo_count */
};
struct memo_total {
	uint64_t n;
};
struct memo_answer {
	struct rows totals; /* struct memo_total */
};

extern const struct protocol memo_protocol;

#endif
