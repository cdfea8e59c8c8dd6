/* SPDX-License-Identifier: ISC */
/*
 * ages - what waits in the queue by domain and by age, as the table that
 * Postfix's qshape(1) prints: counted one address after the other.
 */
#ifndef TOOLS_AGES_H
#define TOOLS_AGES_H

#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define AGES_BUCKETS_MAX 1000
#define AGES_TICK_MAX    1000000

struct ages {
	/* Set before ages_init(); what is 0 is Postfix's default. */
	unsigned buckets; /* 10 */
	unsigned tick;    /* minutes, of the first bucket: 5 */
	bool is_linear;   /* buckets of the same width; else each is as wide as
	                     all before it */
	bool has_parents; /* ".example.com" is counted as well ... */
	unsigned subdomains; /* ... and shown from so many below it on: 5 */
	unsigned width;      /* of a line: 80 at least */

	struct map all; /* struct ages_row */
	struct ages_row *total;
};

void ages_init(struct ages *a);
void ages_done(struct ages *a);

/* An address (empty: the null sender) of a message `age` seconds old. */
void ages_add(struct ages *a, struct str address, int64_t age);

/* The table; `top` lines of it, 0: all. */
void ages_print(const struct ages *a, FILE *out, size_t top);

#endif
