/* SPDX-License-Identifier: ISC */
/*
 * near - the three last rows of the table of distances are enough: a swap
 * looks two rows back.
 */
#include "mail/near.h"

static unsigned
least(unsigned x, unsigned y)
{
	return x < y ? x : y;
}

unsigned
near_limit(struct str word)
{
	return word.len < 6 ? 1 : 2;
}

unsigned
near_distance(struct str a, struct str b, unsigned limit)
{
	if (a.len > NEAR_MAX || b.len > NEAR_MAX)
		return limit + 1;
	if (a.len > b.len + limit || b.len > a.len + limit)
		return limit + 1;

	unsigned rows[3][NEAR_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned best = row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned cost = a.p[i - 1] != b.p[j - 1];
			row[j] = least(
			    last[j - 1] + cost, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
			best = least(best, row[j]);
		}
		if (best > limit)
			return limit + 1;
		unsigned *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return least(last[b.len], limit + 1);
}
