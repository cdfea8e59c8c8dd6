/* SPDX-License-Identifier: ISC */
/*
 * pace - how many jobs at a time a destination is given: more while it takes
 * them, fewer when it does not, none when it is dead.
 *
 * As Postfix has it.  A job that reached the host adds `positive`, and at each
 * whole 1 the window grows by one; the first that did not makes it one
 * smaller, and then one in 1/`negative` of them.  Every such job is 1/window
 * of a cohort; at `cohort` of those with nothing good between them the
 * destination is dead.
 */
#ifndef QMGR_PACE_H
#define QMGR_PACE_H

#include "mail/feedback.h"

#include <stdbool.h>

struct pace_limits {
	unsigned initial; /* 1 or more */
	unsigned most;    /* 1 or more */
	unsigned cohort;  /* 0: never dead */
	struct feedback positive, negative;
};

struct pace {
	unsigned window; /* 1 or more */
	double success, failure;
	double cohorts; /* that failed in a row */
};

void pace_init(struct pace *p, const struct pace_limits *l);
void pace_fit(struct pace *p, const struct pace_limits *l); /* to new limits */

/* A job ended; `busy` are being done, this one included. */
void pace_reached(struct pace *p, const struct pace_limits *l, unsigned busy);
bool pace_failed(struct pace *p, const struct pace_limits *l); /* dead now? */

#endif
