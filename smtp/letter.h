/* SPDX-License-Identifier: ISC */
/*
 * letter - one job on its way: the message, its recipients, and what became
 * of each of them so far.
 *
 * A recipient is LEFT until a server took it, a failure is for good, or there
 * is no other server to ask.  What goes wrong for now, while there is another
 * server, is logged and leaves the recipient for that one.
 */
#ifndef SMTP_LETTER_H
#define SMTP_LETTER_H

#include "fail.h"
#include "session.h"

#include "base/arena.h"
#include "mail/content.h"
#include "mail/outcome.h"
#include "mail/proto/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addressee {
	const struct recipient *recipient;
	struct str address; /* as the server hears it */
	bool is_left;
	bool is_accepted; /* by this session's server, after RCPT */
	bool is_kept;     /* refused for now: for the next server */
};

struct letter {
	const struct job_deliver *job;
	struct content *content;
	struct buf head; /* in place of the content's header ... */
	size_t body_at;  /* ... up to here; 0: as it came */
	const struct filters *filters; /* NULL: none */
	struct arena *arena;
	struct addressee *to; /* one for each recipient of the job ... */
	struct job_outcome *outcomes; /* ... and its outcome */
	size_t n, left;
	struct str sender; /* as the server hears it */
	size_t *scratch;   /* n of them, for whoever walks those left */
	size_t text_max; /* of a text in an outcome, so that all fit a parcel */

	struct fail why;  /* the last thing that went wrong */
	struct fail word; /* the server's, of what is sent */
	bool is_last;     /* there is no server after this one */
	bool is_heard;    /* a server was asked to take it */

	struct str relay, remote_mta; /* of the session; "none" and empty */
	bool is_final;                /* it is the last one that delivers */
	bool reports;               /* its server says DSN: it reports itself */
	unsigned uses;              /* of the connection, this one included */
	int64_t started, connected; /* clock_mono() */
};

/* `a` has letter_room() bytes and more. */
void letter_init(struct letter *l, const struct job_deliver *job,
    struct content *content, struct arena *a);
void letter_done(struct letter *l);
size_t letter_room(const struct job_deliver *job);
size_t letter_size(const struct letter *l); /* of the message, in bytes */

/* Ask the filters about envelope and header, once, before it goes anywhere:
 * 0, or as filters_header(). */
int letter_filter(struct letter *l, const struct filters *filters);

/* From here on outcomes tell of this session; NULL: of none. */
void letter_use(struct letter *l, const struct session *s);

/* All that were accepted are sent, with the server's last word; or this one. */
void letter_sent(struct letter *l, const struct reply *r);
void letter_sent_one(struct letter *l, size_t i, const struct reply *r);

/* l->why happened to recipient `i`, or to all that are left and not kept. */
void letter_failed(struct letter *l, size_t i);
void letter_failed_all(struct letter *l);
/* All that are left go to another transport, "transport:nexthop". */
void letter_pass(struct letter *l, struct str place);
/* It is final for all that are left: no other server will be asked. */
void letter_give_up(struct letter *l);

#endif
