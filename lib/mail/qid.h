/* SPDX-License-Identifier: ISC */
/*
 * qid - queue ids, in the long form that Postfix's log readers know: 17
 * characters, six of the generation, four, 'z', six.
 *
 * qmgr gives each taker that joins it a generation, never the same again;
 * the taker numbers its messages from 0.  The number goes through a keyed
 * permutation before it is written, so that two ids of a generation are
 * never equal and no one guesses the next.  Digits are base 52 (letters
 * without vowels: no words), behind the 'z' base 51 without it.
 */
#ifndef MAIL_QID_H
#define MAIL_QID_H

#include "base/siphash.h"
#include "base/str.h"

#include <stdint.h>

#define QID_LEN            17
#define QID_GENERATION_MAX UINT64_C(19770609663) /* 52^6 - 1 */

struct qid_maker {
	uint64_t generation;
	uint64_t count; /* of ids made */
	struct siphash_key key;
};

/* A fresh key; generation is at most QID_GENERATION_MAX. */
void qid_init(struct qid_maker *m, uint64_t generation);

/* The next id: QID_LEN bytes and a NUL. */
void qid_next(struct qid_maker *m, char ret_id[QID_LEN + 1]);

/* The generation in an id: 0, or -EINVAL when it is not one of this form. */
int qid_generation(struct str id, uint64_t *ret_generation);

#endif
