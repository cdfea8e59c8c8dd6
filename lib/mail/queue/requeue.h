/* SPDX-License-Identifier: ISC */
/*
 * requeue - the envelope that a message gets when it is taken in once more:
 * another id, the time of now, and of its recipients those that are still to
 * be attempted, with virtual_alias_maps asked anew.  A recipient whose
 * delivery was decided already (a .forward's, an alias's) stays as it is.
 */
#ifndef MAIL_QUEUE_REQUEUE_H
#define MAIL_QUEUE_REQUEUE_H

#include "mail/expansion.h"
#include "mail/queue/store.h"

/*
 * May wait.  *ret lies in `a` and borrows from `old`; ret_done gets the
 * indexes of the old recipients that it takes over (entry_add_done()).  0;
 * -ENOENT: none is to be attempted; -E2BIG: too many; -EAGAIN with *ret_why:
 * the tables cannot be asked.
 */
int requeue_envelope(struct expansion *x, const struct store_body *old,
    struct str id, int64_t now, struct arena *a, struct envelope *ret,
    struct buf *ret_done, const char **ret_why);

#endif
