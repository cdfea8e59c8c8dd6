/* SPDX-License-Identifier: ISC */
/*
 * maildir - messages into Maildirs, a batch at a time.
 *
 * Two barriers: the contents of all are on stable storage, in tmp/; then they
 * are renamed into new/, which is made durable; then they are told as
 * delivered.  So a name in new/ is a whole message, also after a power cut,
 * and a batch costs hardly more waiting than one message.
 *
 * The name says which delivery it is: host, queue id, number of the
 * recipient.  A delivery that is made again after a crash finds itself, in
 * new/ or in cur/, and is not made twice; what the reader has moved elsewhere
 * or deleted meanwhile may come twice.
 */
#ifndef MDA_MAILDIR_H
#define MDA_MAILDIR_H

#include "flush.h"
#include "job.h"

struct maildir {
	int root_fd; /* of what all paths lie in */
	struct str root;
	const char *hostname;
	struct flush flush;
	struct batch *spare; /* the memory of one */
};

/* Deliver all and tell each; the list is empty after.  Waits where there is a
 * flusher: another task may be at the same list. */
void maildir_deliver(struct maildir *m, struct delivery_list *batch);

/* With nothing in hand. */
void maildir_done(struct maildir *m);

#endif
