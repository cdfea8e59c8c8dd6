/* SPDX-License-Identifier: ISC */
/*
 * taker - a program's standing conversation with qmgr (proto/queue): the
 * generation of its queue ids, and qmgr's last word on whether it takes mail.
 * Made once a program; intakes (mail/intake.h) use it, any number at a time.
 * When the conversation breaks it is made anew, with another generation; what
 * had an id of the old one is answered with a temporary error.
 */
#ifndef MAIL_TAKER_H
#define MAIL_TAKER_H

#include "base/buf.h"
#include "base/serve.h"
#include "mail/conf.h"
#include "mail/proto/queue.h"
#include "mail/qid.h"
#include "mail/route.h"
#include "mail/sift.h"

#include <stdbool.h>

struct taker;

/* In a task.  Borrows all.  NULL with `why` when a table cannot be opened;
 * qmgr need not be there yet. */
struct taker *taker_new(struct serve *sv, const struct conf *c,
    struct router *r, const struct dict_env *env, struct buf *why);
void taker_free(struct taker **t); /* no intake may be open */

/*
 * Would a message of `size` bytes be taken now (qmgr's last word, no question
 * asked; true while qmgr has not spoken)?  false: *ret_dsn and *ret_text say
 * why, until the taker waits.
 */
bool taker_has_room(const struct taker *t, uint64_t size, struct str *ret_dsn,
    struct str *ret_text);

/* For intake.c. */

/* What its messages go by: conf_cleanup() of the program's. */
const struct conf *taker_conf(const struct taker *t);
/* The tables of header_checks and its kin; NULL: none. */
const struct sift_tables *taker_checks(const struct taker *t);
/* Whose lines those are that Postfix's cleanup writes, for log_info_as(). */
const char *taker_tag(const struct taker *t);
struct expansion *taker_expansion(const struct taker *t);

/* The next id; waits for qmgr up to `deadline`.  *ret_generation names the
 * conversation that it is good for.  0 or -errno. */
int taker_next_id(struct taker *t, int64_t deadline, char ret_id[QID_LEN + 1],
    uint64_t *ret_generation);

/*
 * Hand a message to qmgr and wait for its word, at most QUEUE_OPEN_MAX at a
 * time; asked once, never again.  0 with *ret_answer (QUEUE_QUEUED, for
 * parcel_done()); -ESTALE: the id is of a conversation that is over; or as
 * chan_call.
 */
int taker_enqueue(struct taker *t, uint64_t generation,
    const struct queue_enqueue *e, const int *fds, size_t nfds,
    struct parcel *ret_answer, int64_t deadline);

#endif
