/* SPDX-License-Identifier: ISC */
/*
 * conf_value - is a text a value of a parameter's type, and which number is
 * it?
 */
#include "mail/conf_body.h"

#include "base/clock.h"
#include "dict/dict.h"
#include "mail/feedback.h"

#include <errno.h>

static int
parse_bool(struct str text, int64_t *ret, struct buf *why)
{
	if (str_eq_case(text, STR("yes"))) {
		*ret = 1;
		return 0;
	}
	if (str_eq_case(text, STR("no"))) {
		*ret = 0;
		return 0;
	}
	(void)buf_add_c(why, "must be yes or no");
	return -EINVAL;
}

/* Takes the K, M or G off the end of *text. */
static uint64_t
take_size_unit(struct str *text)
{
	uint64_t unit;

	switch (text->len > 0 ? str_lower_char(text->p[text->len - 1]) : 0) {
	case 'k':
		unit = UINT64_C(1) << 10;
		break;
	case 'm':
		unit = UINT64_C(1) << 20;
		break;
	case 'g':
		unit = UINT64_C(1) << 30;
		break;
	default:
		return 1;
	}
	text->len--;
	return unit;
}

static int
parse_number(
    const struct param_row *row, struct str text, int64_t *ret, struct buf *why)
{
	bool is_size = row->type == PARAM_SIZE;
	uint64_t unit = is_size ? take_size_unit(&text) : 1, n;
	int r = str_parse_u64(text, INT64_MAX, &n);

	if (r == -EINVAL) {
		(void)buf_add_c(why, is_size ? "must be a number of bytes: "
					       "\"10240000\", \"64M\""
					     : "must be a number, of digits "
					       "only");
		return -EINVAL;
	}
	if (r == 0 && n > INT64_MAX / unit)
		r = -ERANGE;
	if (r == 0)
		n *= unit;
	if (r != 0 || (int64_t)n < row->min || (int64_t)n > row->max) {
		(void)buf_addf(why, "must be from %lld to %lld",
		    (long long)row->min, (long long)row->max);
		return -EINVAL;
	}
	*ret = (int64_t)n;
	return 0;
}

static int64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

/* A bare number has the unit of the parameter's default: "5d", "300s". */
static int
parse_time(
    const struct param_row *row, struct str text, int64_t *ret, struct buf *why)
{
	struct str def = str_c(row->def);
	int64_t unit = def.len > 0 ? unit_seconds(def.p[def.len - 1]) : 1;
	struct str digits = text;
	uint64_t n;

	if (unit == 0)
		unit = 1;
	if (text.len > 0 && !str_is_digit_char(text.p[text.len - 1])) {
		unit = unit_seconds(str_lower_char(text.p[text.len - 1]));
		digits = str_sub(text, 0, text.len - 1);
	}
	int r = str_parse_u64(digits, INT32_MAX, &n);
	if (unit == 0 || r == -EINVAL) {
		(void)buf_add_c(why, "must be a number and one of s, m, h, d, "
				     "w: \"30s\"");
		return -EINVAL;
	}
	int64_t seconds = (int64_t)n * unit;
	if (r != 0 || seconds < row->min || seconds > row->max) {
		(void)buf_addf(why, "must be from %llds to %llds",
		    (long long)row->min, (long long)row->max);
		return -EINVAL;
	}
	*ret = seconds * CLOCK_SEC;
	return 0;
}

static int
check_str(const struct param_row *row, struct str text, struct buf *why)
{
	if (row->min > 0 && str_is_empty(text)) {
		(void)buf_add_c(why, "must not be empty");
		return -EINVAL;
	}
	if (row->max > 0 && text.len > (size_t)row->max) {
		(void)buf_addf(why, "must not be longer than %lld bytes",
		    (long long)row->max);
		return -EINVAL;
	}
	return 0;
}

/* The words stand behind the sentence's last colon: "...: any | ipv4".  The
 * default is good as well, where it is empty. */
static int
check_word(const struct param_row *row, struct str text, struct buf *why)
{
	struct str sentence = str_c(row->text);
	ptrdiff_t colon = str_find_last(sentence, ':');
	struct str words = str_from(sentence, (size_t)(colon + 1)), word;
	struct str rest = words;

	if (text.len == 0 && *row->def == '\0')
		return 0;
	while (!str_is_empty(word = str_word(&rest, " |")))
		if (str_eq_case(word, text))
			return 0;
	(void)buf_addf(why, "must be one of%.*s", STR_ARG(words));
	return -EINVAL;
}

static int
check_list(struct str text, struct buf *why)
{
	struct str rest = text, item;

	do {
		if (dict_list_next(&rest, &item) != 0) {
			(void)buf_add_c(why, "has a { without its }, or a } "
					     "without its {");
			return -EINVAL;
		}
	} while (!str_is_empty(item));
	return 0;
}

static int
check_feedback(struct str text, struct buf *why)
{
	struct feedback f;
	int r = feedback_parse(text, &f);

	if (r < 0)
		(void)buf_add_c(why, "must be a number from 0 to 1: \"0.5\", "
				     "\"1/4\", \"1/concurrency\", "
				     "\"1/sqrt_concurrency\"");
	return r;
}

int
conf_value_parse(
    const struct param_row *row, struct str text, int64_t *ret, struct buf *why)
{
	*ret = 0;
	switch (row->type) {
	case PARAM_BOOL:
		return parse_bool(text, ret, why);
	case PARAM_INT:
	case PARAM_SIZE:
		return parse_number(row, text, ret, why);
	case PARAM_TIME:
		return parse_time(row, text, ret, why);
	case PARAM_STR:
	case PARAM_RAW:
		return check_str(row, text, why);
	case PARAM_FEEDBACK:
		return check_feedback(text, why);
	case PARAM_WORD:
		return check_word(row, text, why);
	case PARAM_LIST:
	case PARAM_MAPS:
	case PARAM_RESTRICTIONS:
		return check_list(text, why);
	case PARAM_GONE:
	case PARAM_MOOT:
		return 0;
	}
	return 0;
}
