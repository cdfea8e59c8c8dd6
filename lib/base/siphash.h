/* SPDX-License-Identifier: ISC */
/*
 * siphash - a keyed hash of short input (SipHash-2-4, Aumasson and
 * Bernstein 2012): hash tables that nobody can aim at, checks of journal
 * records that nobody can forge, ids that nobody can guess.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n);
void siphash_key_random(struct siphash_key *ret_key);

#endif
