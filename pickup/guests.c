/* SPDX-License-Identifier: ISC */
/* guests - who is in.  A list so short that it is walked. */
#include "guests.h"

#include <assert.h>

bool
guests_is_full(const struct guests *g)
{
	return g->n == GUESTS_MAX;
}

bool
guests_enter(struct guests *g, uid_t uid)
{
	size_t own = 0;

	for (size_t i = 0; i < g->n; i++)
		own += g->uids[i] == uid;
	if (guests_is_full(g) || own >= GUESTS_MAX_A_UID)
		return false;
	g->uids[g->n++] = uid;
	return true;
}

void
guests_leave(struct guests *g, uid_t uid)
{
	size_t i = 0;

	while (i < g->n && g->uids[i] != uid)
		i++;
	assert(i < g->n);
	g->uids[i] = g->uids[--g->n];
}
