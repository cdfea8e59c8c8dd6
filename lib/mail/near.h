/* SPDX-License-Identifier: ISC */
/*
 * near - how far apart two words are: the number of letters put in, left
 * out, changed, or swapped with their neighbour (Damerau, "optimal string
 * alignment").  For "did you mean".
 */
#ifndef MAIL_NEAR_H
#define MAIL_NEAR_H

#include "base/str.h"

#define NEAR_MAX 128 /* longer words are near nothing */

/* The distance when it is at most `limit`, else limit + 1. */
unsigned near_distance(struct str a, struct str b, unsigned limit);

/* How far a misspelt word may be from the right one: 2, for short ones 1. */
unsigned near_limit(struct str word);

#endif
