/* SPDX-License-Identifier: ISC */
/*
 * feedback - by how much one delivery changes how many go to a destination at
 * a time: default_destination_concurrency_positive_feedback and its kin.
 *
 *	NUMBER                      0 to 1
 *	NUMBER / NUMBER             "1/4"
 *	NUMBER / concurrency        of how many go there now ...
 *	NUMBER / sqrt_concurrency   ... or the square root of that
 *
 * A NUMBER has digits and at most one point; blanks may stand around the "/".
 */
#ifndef MAIL_FEEDBACK_H
#define MAIL_FEEDBACK_H

#include "base/str.h"

enum feedback_per {
	FEEDBACK_EACH,
	FEEDBACK_CONCURRENCY,
	FEEDBACK_SQRT_CONCURRENCY,
};

struct feedback {
	double amount; /* 0 to 1 */
	enum feedback_per per;
};

int feedback_parse(struct str text, struct feedback *ret); /* or -EINVAL */

#endif
