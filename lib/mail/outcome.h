/* SPDX-License-Identifier: ISC */
/*
 * outcome - what became of one recipient in one attempt: one type from the
 * remote host's reply to the queue, the log and the notification.
 */
#ifndef MAIL_OUTCOME_H
#define MAIL_OUTCOME_H

#include "base/shape.h"
#include "base/str.h"

#include <stdint.h>

enum outcome_state {
	OUTCOME_SENT = 1,
	OUTCOME_DEFERRED, /* temporary, or could not ask */
	OUTCOME_BOUNCED,  /* permanent */
};

/* How it was sent: what a report of success says of it (RFC 3464 section
 * 2.3.3, RFC 3461 section 5.2). */
enum outcome_how {
	OUTCOME_DELIVERED, /* into a mailbox, or what counts as one */
	OUTCOME_RELAYED,   /* to a host that promised no report */
	OUTCOME_EXPANDED,  /* others took the recipient's place */
	OUTCOME_PASSED_ON, /* to a host that reports itself: we do not */
};

#define OUTCOME_TEXT_MAX 1024

struct outcome {
	uint64_t state;   /* enum outcome_state */
	uint64_t how;     /* enum outcome_how, when SENT */
	struct str dsn;   /* "2.0.0" (RFC 3463) */
	struct str text;  /* what stands in () in the log line */
	struct str relay; /* "mx.example.net[192.0.2.1]:25", "local", "none" */
	struct str remote_mta; /* for the DSN: the host's name; empty: none */
	/* The remote's reply as it came; without a remote_mta a command's
	 * verdict; empty: none. */
	struct str diagnostic;
	uint64_t conn_use;   /* times the connection was used; 0, 1: not said */
	int64_t connect_ns;  /* time for connection set-up: "c" of delays */
	int64_t transmit_ns; /* time for transmission: "d" */
};

extern const struct shape outcome_shape;

/* From an enhanced code's class: '2' SENT, '4' DEFERRED, '5' BOUNCED; any
 * other defers: an unknown status never bounces. */
enum outcome_state outcome_from_dsn(struct str dsn);
const char *outcome_word(enum outcome_state s); /* "sent" ... */

#endif
