/* SPDX-License-Identifier: ISC */
/*
 * children - conversations with mda's children: one for each (role, uid, gid,
 * mail group, root), made by mda when there is mail for it and let go
 * CHILDREN_IDLE after its last.
 */
#ifndef QMGR_CHILDREN_H
#define QMGR_CHILDREN_H

#include "mail/envelope.h"
#include "talk.h"

struct qmgr;

/* The child that carries the action out. */
struct talk *children_get(struct qmgr *q, const struct action *a);

/* Once a second or so. */
void children_tend(struct qmgr *q);

#endif
