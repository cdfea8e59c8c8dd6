/* SPDX-License-Identifier: ISC */
/*
 * qid - queue ids.  The count, 56 bits of it, goes through a Feistel network
 * whose round function is SipHash: a permutation whatever the key is.  2^56
 * is less than 52^4 * 51^6, so each of its values has digits of its own.
 */
#include "mail/qid.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#define HALF_BITS 28
#define HALF_MASK ((UINT64_C(1) << HALF_BITS) - 1)
#define ROUNDS    6

#define GENERATION_DIGITS 6
#define UPPER_DIGITS      4
#define LOWER_DIGITS      6
#define SEPARATOR_AT      (GENERATION_DIGITS + UPPER_DIGITS)
#define LOWER_BASE        51
#define LOWER_SPAN        UINT64_C(17596287801) /* 51^6 */

static const char digits[] =
    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
#define BASE (sizeof(digits) - 1)

void
qid_init(struct qid_maker *m, uint64_t generation)
{
	assert(generation <= QID_GENERATION_MAX);
	*m = (struct qid_maker){.generation = generation};
	siphash_key_random(&m->key);
}

static uint64_t
scramble(const struct siphash_key *key, uint64_t v)
{
	uint64_t left = v >> HALF_BITS & HALF_MASK, right = v & HALF_MASK;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t in[] = {round, right};
		uint64_t f = siphash(key, in, sizeof(in)) & HALF_MASK;
		uint64_t next = left ^ f;

		left = right;
		right = next;
	}
	return left << HALF_BITS | right;
}

static void
format_digits(char *p, size_t n, uint64_t v, uint64_t base)
{
	while (n-- > 0) {
		p[n] = digits[v % base];
		v /= base;
	}
}

void
qid_next(struct qid_maker *m, char ret_id[QID_LEN + 1])
{
	uint64_t v = scramble(&m->key, m->count++);

	format_digits(ret_id, GENERATION_DIGITS, m->generation, BASE);
	format_digits(
	    ret_id + GENERATION_DIGITS, UPPER_DIGITS, v / LOWER_SPAN, BASE);
	ret_id[SEPARATOR_AT] = 'z';
	format_digits(ret_id + SEPARATOR_AT + 1, LOWER_DIGITS, v % LOWER_SPAN,
	    LOWER_BASE);
	ret_id[QID_LEN] = '\0';
}

/* The value of `n` digits; -EINVAL when one is none of `base`. */
static int
parse_digits(struct str s, uint64_t base, uint64_t *ret)
{
	struct str all = str_n(digits, base);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++) {
		ptrdiff_t d = str_find(all, s.p[i]);

		if (d < 0)
			return -EINVAL;
		v = v * base + (uint64_t)d;
	}
	*ret = v;
	return 0;
}

int
qid_generation(struct str id, uint64_t *ret_generation)
{
	uint64_t generation, ignored;

	if (id.len != QID_LEN || id.p[SEPARATOR_AT] != 'z')
		return -EINVAL;
	if (parse_digits(str_sub(id, 0, GENERATION_DIGITS), BASE, &generation) <
		0 ||
	    parse_digits(str_sub(id, GENERATION_DIGITS, UPPER_DIGITS), BASE,
		&ignored) < 0 ||
	    parse_digits(str_from(id, SEPARATOR_AT + 1), LOWER_BASE, &ignored) <
		0)
		return -EINVAL;
	*ret_generation = generation;
	return 0;
}
