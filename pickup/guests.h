/* SPDX-License-Identifier: ISC */
/*
 * guests - how many conversations each user has open.  SECURITY: no user can
 * take the places of all others.
 */
#ifndef PICKUP_GUESTS_H
#define PICKUP_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GUESTS_MAX       200 /* open in all */
#define GUESTS_MAX_A_UID 20

struct guests {
	uid_t uids[GUESTS_MAX];
	size_t n;
};

bool guests_is_full(const struct guests *g);
bool guests_enter(struct guests *g, uid_t uid); /* false: no place for him */
void guests_leave(struct guests *g, uid_t uid);

#endif
