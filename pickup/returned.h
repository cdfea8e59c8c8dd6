/* SPDX-License-Identifier: ISC */
/*
 * returned - a message from maildrop/ that will never be taken goes back to
 * its sender, who is no longer there to be told by an exit code (RFC 3464).
 */
#ifndef PICKUP_RETURNED_H
#define PICKUP_RETURNED_H

#include "mail/maildrop.h"
#include "submission.h"

#define RETURNED_MAX 50000 /* bytes of the message that go along */

/* `why` is "5.3.4 text".  True: it is in the queue, or there is nobody to
 * tell; false: try again later. */
bool returned_send(const struct pickup *p, const struct maildrop_file *f,
    struct str why, struct arena *a);

#endif
