/* SPDX-License-Identifier: ISC */
/*
 * turns - one check of an address at a time, however many connections it
 * opens, and after one that failed the next waits for auth_failure_delay: so
 * a guesser waits for himself, and nobody else for him (security: parallel
 * guessing).  When all places are taken, who comes from an address of fewer
 * gets one of the address that has the most: whoever guesses from hundreds of
 * addresses takes no place from one who does not.
 *
 *	r = turns_enter(&turns, address);
 *	if (r < 0)
 *		... -EBUSY: too many wait, or he had to give way; or
 *		    -ECANCELED
 *	...
 *	turns_leave(&turns, address, has_failed);
 *
 * An address that is empty, no address, or of loopback is a program of this
 * host, which speaks for many users: those are not held up.
 */
#ifndef AUTH_TURNS_H
#define AUTH_TURNS_H

#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TURNS_MAX         2000 /* who have or wait for one: places */
#define TURNS_ADDRESS_MAX 50   /* of one address */

struct turns {
	struct map addresses; /* that have, wait for or are denied a turn */
	int64_t delay;        /* of an address, after a failure */
	unsigned count;       /* of places that are taken */
};

void turns_init(struct turns *t, int64_t delay);

int turns_enter(struct turns *t, struct str address); /* waits */
void turns_leave(struct turns *t, struct str address, bool has_failed);

#endif
