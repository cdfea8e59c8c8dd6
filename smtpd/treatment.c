/* SPDX-License-Identifier: ISC */
/* treatment - carried out by the intake. */
#include "treatment.h"

#include "mail/addr.h"
#include "mail/bounds.h"

void
treatment_init(struct treatment *t)
{
	*t = (struct treatment){0};
	buf_init(&t->redirect, ADDR_MAX);
	buf_init(&t->bcc, TREATMENT_BCC_MAX);
	buf_init(&t->filter, BOUND_NEXTHOP);
	buf_init(&t->prepend, TREATMENT_PREPEND_MAX);
}

void
treatment_done(struct treatment *t)
{
	buf_done(&t->redirect);
	buf_done(&t->bcc);
	buf_done(&t->filter);
	buf_done(&t->prepend);
}

bool
treatment_set(struct buf *b, struct str text)
{
	buf_reset(b);
	return buf_add_str(b, text) == 0;
}

bool
treatment_add(struct buf *b, struct str text)
{
	struct str rest = buf_str(b), line;
	size_t before = b->len;

	while (str_line(&rest, &line))
		if (str_eq(line, text))
			return true;
	if (buf_add_str(b, text) == 0 && buf_add_char(b, '\n') == 0)
		return true;
	buf_cut(b, before);
	return false;
}

void
treatment_begin(const struct treatment *t, struct intake *intake)
{
	if (t->prepend.len > 0)
		intake_bytes(intake, buf_str(&t->prepend));
}

void
treatment_end(const struct treatment *t, struct intake *intake)
{
	struct str rest = buf_str(&t->bcc), line;

	while (str_line(&rest, &line))
		(void)intake_copy(intake, line); /* it was an address */
	if (t->redirect.len > 0)
		(void)intake_redirect(intake, buf_str(&t->redirect));
	if (t->filter.len > 0)
		intake_filter(intake, buf_str(&t->filter));
	if (t->is_held)
		intake_hold(intake);
}
