/* SPDX-License-Identifier: ISC */
/*
 * chan - a conversation between two processes of the suite, over one end of
 * a SOCK_SEQPACKET socketpair.
 *
 * What travels is a parcel: a kind (an index into the protocol's shapes), an
 * exchange number, one value, and descriptors.  A parcel of up to CHAN_PACKET
 * bytes and CHAN_FDS descriptors is one packet; a larger one is a row of
 * packets that the receiver joins, up to CHAN_PARCEL_MAX bytes and
 * CHAN_PARCEL_FDS descriptors.  Several parcels that wait leave, and arrive,
 * with one system call (sendmmsg, recvmmsg).
 *
 * The first parcel each way is a hello with the protocol's name and version,
 * sent and checked here.  A parcel that does not decode, an unknown kind, a
 * descriptor that was lost on the way (MSG_CTRUNC), a wrong hello: the
 * conversation ends, on_close gets the reason, nothing is repaired.
 *
 * Nobody blocks in send: chan_send queues and returns.  The queue is bounded
 * by what the protocol lets be open at a time (each protocol header states
 * it); CHAN_QUEUE_MAX bytes queued and unread end the conversation.
 *
 * A request is chan_call(): it sends with a fresh exchange number and waits
 * (in a task) for the parcel with the same number.  Parcels that answer no
 * call go to on_parcel, which runs in the channel's reader task and must not
 * wait: work that waits starts a task.  The answer to a parcel is sent with
 * that parcel's exchange number.  Whoever sends requests without chan_call
 * numbers them himself, below CHAN_EXCHANGE_OWN; all answers then come to
 * on_parcel.
 *
 * What was sent leaves at the end of the loop's turn, so that all that a turn
 * brought about is one system call a channel; a parcel with descriptors, and
 * a full batch, leave at once.
 */
#ifndef BASE_CHAN_H
#define BASE_CHAN_H

#include "base/shape.h"
#include "base/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAN_PACKET       (64 * 1024)
#define CHAN_FDS          32
#define CHAN_PARCEL_MAX   (8 * 1024 * 1024)
#define CHAN_PARCEL_FDS   1024
#define CHAN_QUEUE_MAX    (64 * 1024 * 1024)
#define CHAN_EXCHANGE_OWN (UINT32_C(1) << 31)

struct protocol {
	const char *name;
	uint64_t version;
	const struct shape *const *shapes; /* kind = index */
	unsigned nshapes;
};

/* One parcel as it came.  Owns its descriptors and its memory. */
struct parcel {
	unsigned kind;
	uint32_t exchange; /* 0: belongs to no exchange */
	const void *value; /* of the kind's shape; lives in the parcel */
	int *fds;          /* the taker of one sets it to -1 */
	size_t nfds;
	struct buf bytes; /* what value's strs borrow from */
	struct arena arena;
};

void parcel_done(struct parcel *p);             /* closes what was not taken */
int parcel_take_fd(struct parcel *p, size_t i); /* -1: not there */
/* Makes *p empty and *ret_mine what it was: to keep one beyond on_parcel. */
void parcel_take(struct parcel *p, struct parcel *ret_mine);

struct chan;

struct chan_events {
	/* The parcel is the channel's and gone on return: see parcel_take.
	 * NULL: none is expected, one that comes ends the conversation. */
	void (*on_parcel)(struct chan *c, struct parcel *p, void *arg);
	/* Once, when the conversation has ended by the peer or by an error;
	 * calls end with -EPIPE.  `why` is "" when the peer just closed.
	 * The owner still closes the chan, here or later.  May be NULL. */
	void (*on_close)(struct chan *c, const char *why, void *arg);
};

/* Takes the descriptor and starts the reader task.  events may be NULL. */
struct chan *chan_new(int fd, const struct protocol *proto,
    const struct chan_events *events, void *arg);
/* What is queued still goes out; on_close is not called; calls end. */
void chan_close(struct chan **c);
/* Two ends of a new conversation: 0 or -errno. */
int chan_pair(int ret_fds[2]);
bool chan_is_open(const struct chan *c);
/* Until on_close has been called, or chan_close: what the peer said before he
 * left has been heard then.  Waits; 0, -ETIMEDOUT, -ECANCELED. */
int chan_wait_end(struct chan *c, int64_t deadline);
int chan_peer_uid(const struct chan *c, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Queue one parcel.  Descriptors are duplicated for the way: the caller
 * keeps his.  0, -EPIPE (closed), -EINVAL (breaks its shape), -EMSGSIZE,
 * -EMFILE.
 */
int chan_send(struct chan *c, unsigned kind, uint32_t exchange,
    const void *value, const int *fds, size_t nfds);

/*
 * Send a request and wait for the answer, which the caller parcel_done()s.
 * 0, -ETIMEDOUT, -ECANCELED, -EPIPE, or as chan_send.  An answer that comes
 * after its deadline is dropped.
 */
int chan_call(struct chan *c, unsigned kind, const void *value, const int *fds,
    size_t nfds, struct parcel *ret_answer, int64_t deadline);

#endif
