/* SPDX-License-Identifier: ISC */
/*
 * repair - the header section of a message on its way in, a line at a time:
 * what is dropped (Bcc, Return-Path, Content-Length), completed (addresses
 * without domain), taken note of (Message-ID, Received, Delivered-To), and
 * what is added at its end (Date, Message-ID, From, To).  All other lines
 * pass as they are; only fields that matter are gathered.
 *
 *	repair_init(&r, &rule, out, arena);
 *	while (!r.is_done && there is a line)
 *		if (repair_line(&r, line) == REPAIR_BODY)
 *			the line is the body's first
 *	repair_end(&r);
 */
#ifndef MAIL_REPAIR_H
#define MAIL_REPAIR_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/addr.h"
#include "mail/content.h"
#include "mail/envelope.h"

#include <stdbool.h>
#include <stdint.h>

#define REPAIR_FIELDS_MAX 1000
#define REPAIR_BYTES_MAX  (1024 * 1024)

/* What is to be done.  All strs live as long as the repair. */
struct repair_rule {
	bool add_missing;
	bool is_local; /* a mailbox's "From " line in front is dropped; in
	                  mail from the net it becomes a field */
	bool complete; /* addresses, with: */
	struct str origin, mydomain;
	/* Told of each address in To, Cc, Bcc and their Resent- forms; NULL:
	 * nobody asks. */
	void (*recipient)(void *arg, struct addr a, bool is_resent);
	void *arg;
	size_t field_max; /* header_size_limit: of one field that matters */
	/* For what is added: */
	struct str id, hostname;
	struct str sender;      /* as it stands in <> */
	struct str full_name;   /* or empty, as of the null sender */
	struct str undisclosed; /* undisclosed_recipients_header */
	int64_t arrival;
};

struct repair {
	struct repair_rule rule;
	struct content_builder *out;
	struct arena *arena;
	bool is_done;
	int error; /* the first one, -errno */
	/* What was found, in `arena`: */
	struct str message_id; /* "<x@y>", also when it was added; or empty */
	bool is_resent;        /* it is that of Resent-Message-ID */
	uint64_t hops;         /* Received fields */
	struct loop_mark *loops;
	size_t nloops;
	/* Own: */
	bool is_begun;
	unsigned seen; /* what kinds of field */
	size_t fields, bytes;
	const struct repair_kind *kind; /* of the field at hand */
	struct buf field; /* as far as it came; empty: it is passed on */
};

enum repair_took {
	REPAIR_TOOK,
	REPAIR_BODY, /* the header had ended before this line */
};

void repair_init(struct repair *r, const struct repair_rule *rule,
    struct content_builder *out, struct arena *a);
void repair_done(struct repair *r);

/*
 * One line without its LF.  After an error in r->error (-EMSGSIZE: over
 * field_max or the limits above; -EINVAL: what should name recipients does
 * not; or what content_append said) lines are taken and ignored.
 */
enum repair_took repair_line(struct repair *r, struct str line);

/* The message ends here: what is missing is added now if it was not yet. */
void repair_end(struct repair *r);

/* Is it a mailbox's separator ("From joe Wed ...", ">From ..."), which may
 * stand in front of the first field? */
bool repair_is_from_line(struct str line);

/* Is it a field that holds addresses? */
bool repair_holds_addresses(struct str name);

#endif
