/* SPDX-License-Identifier: ISC */
/* feedback - two numbers and a word. */
#include "mail/feedback.h"

#include <errno.h>

#define DIGITS_MAX 12

/* strtod() follows the locale, and takes more than is meant here. */
static int
parse_number(struct str text, double *ret)
{
	double number = 0, digit = 1;
	bool has_point = false, has_digit = false;

	if (text.len > DIGITS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (!str_is_digit_char(text.p[i]))
			return -EINVAL;
		has_digit = true;
		if (has_point)
			digit /= 10;
		else
			number *= 10;
		number += digit * (text.p[i] - '0');
	}
	*ret = number;
	return has_digit ? 0 : -EINVAL;
}

static int
parse_divisor(struct str text, struct feedback *f)
{
	double number;
	int r;

	if (str_eq(text, STR("concurrency"))) {
		f->per = FEEDBACK_CONCURRENCY;
		return 0;
	}
	if (str_eq(text, STR("sqrt_concurrency"))) {
		f->per = FEEDBACK_SQRT_CONCURRENCY;
		return 0;
	}
	r = parse_number(text, &number);
	if (r == 0 && number <= 0)
		r = -EINVAL;
	if (r == 0)
		f->amount /= number;
	return r;
}

int
feedback_parse(struct str text, struct feedback *ret)
{
	struct feedback f = {.per = FEEDBACK_EACH};
	struct str number, divisor;
	bool is_divided = str_cut(text, '/', &number, &divisor);
	int r = parse_number(str_trim(number), &f.amount);

	if (r == 0 && is_divided)
		r = parse_divisor(str_trim(divisor), &f);
	if (r == 0 && f.amount > 1)
		r = -EINVAL;
	if (r == 0)
		*ret = f;
	return r;
}
