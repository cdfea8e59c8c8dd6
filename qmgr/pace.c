/* SPDX-License-Identifier: ISC */
/* pace - a window, and what speaks for changing it. */
#include "pace.h"

#include <math.h>

#define NEARLY 1e-6 /* ten tenths are not quite one */

static double
amount(const struct feedback *f, unsigned window)
{
	switch (f->per) {
	case FEEDBACK_EACH:
		break;
	case FEEDBACK_CONCURRENCY:
		return f->amount / window;
	case FEEDBACK_SQRT_CONCURRENCY:
		return f->amount / sqrt(window);
	}
	return f->amount;
}

void
pace_init(struct pace *p, const struct pace_limits *l)
{
	*p = (struct pace){.window = l->initial};
	pace_fit(p, l);
}

void
pace_fit(struct pace *p, const struct pace_limits *l)
{
	if (p->window > l->most)
		p->window = l->most;
}

/*
 * What is not used does not grow: a window far above the jobs that there are
 * would have to shrink for long before it had any effect.
 */
void
pace_reached(struct pace *p, const struct pace_limits *l, unsigned busy)
{
	p->cohorts = 0;
	if (p->window >= busy + l->initial || p->window >= l->most)
		return;
	p->success += amount(&l->positive, p->window);
	while (p->success >= 1 - NEARLY) {
		p->window++;
		p->success -= 1;
		p->failure = 0;
	}
	pace_fit(p, l);
}

bool
pace_failed(struct pace *p, const struct pace_limits *l)
{
	p->cohorts += 1.0 / p->window;
	if (l->cohort > 0 && p->cohorts >= l->cohort - NEARLY)
		return true;
	p->failure -= amount(&l->negative, p->window);
	while (p->failure < -NEARLY) {
		if (p->window > 1)
			p->window--;
		p->failure += 1;
		p->success = 0;
	}
	return false;
}
