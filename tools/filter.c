/* SPDX-License-Identifier: ISC */
/* filter - conditions on an entry of the queue.  Owns nothing. */
#include "filter.h"

#include "base/clock.h"

#include <string.h>

bool
filter_parse_age(const char *text, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	struct str number = str_c(text);
	int64_t seconds = 1;
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (number.len > 0 &&
		    number.p[number.len - 1] == units[i].unit) {
			seconds = units[i].seconds;
			number.len--;
			break;
		}
	if (str_parse_u64(number, 10000, &n) < 0 &&
	    (seconds != 1 || str_parse_u64(number, 1000000000, &n) < 0))
		return false;
	*ret = (int64_t)n * seconds * CLOCK_SEC;
	return true;
}

static bool
is_from(const struct filter *f, struct str sender)
{
	return f->from == NULL || str_eq_case(sender, str_c(f->from)) ||
	       (sender.len == 0 && strcmp(f->from, "<>") == 0);
}

/* One recipient for which all holds that is asked of one. */
static bool
has_recipient(const struct filter *f, const struct rows *rows)
{
	const struct admin_recipient *r = rows->p;

	for (size_t i = 0; i < rows->n; i++) {
		ptrdiff_t at = str_find_last(r[i].address, '@');
		struct str domain = str_from(r[i].address, (size_t)(at + 1));

		if (f->to != NULL && !str_eq_case(r[i].address, str_c(f->to)))
			continue;
		if (f->domain != NULL &&
		    (at < 0 || !str_eq_case(domain, str_c(f->domain))))
			continue;
		if (f->reason != NULL &&
		    str_find_str(r[i].reason, str_c(f->reason)) < 0)
			continue;
		return true;
	}
	return false;
}

bool
filter_matches(const struct filter *f, const struct admin_entry *e, int64_t now)
{
	bool asks = f->to != NULL || f->domain != NULL || f->reason != NULL;

	return is_from(f, e->sender) && now - e->arrival >= f->age &&
	       (!asks || has_recipient(f, &e->recipients));
}
