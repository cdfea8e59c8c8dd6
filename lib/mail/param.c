/* SPDX-License-Identifier: ISC */
/*
 * param - the table of main.cf parameters and the ways to find a row.
 */
#include "mail/param.h"

#include "mail/near.h"
#include "mail/param_why.h"

#include <assert.h>

const struct param_row param_table[PARAM_COUNT] = {
#define PARAM(name, type, def, min, max, users, text)                          \
	[PARAM_##name] = {#name, PARAM_##type, def, min, max, users, text},
#define GONE(name, def, reason)                                                \
	[PARAM_##name] = {#name, PARAM_GONE, def, 0, 0, 0, reason},
#define MOOT(name, def, reason)                                                \
	[PARAM_##name] = {#name, PARAM_MOOT, def, 0, 0, 0, reason},
#include "mail/param.def"
#undef PARAM
#undef GONE
#undef MOOT
};

/* What every transport of master.cf has, and the value it has by default. */
static const struct ending {
	const char *text;
	enum param def;
} endings[] = {
    {"_delivery_slot_cost", PARAM_default_delivery_slot_cost},
    {"_delivery_slot_discount", PARAM_default_delivery_slot_discount},
    {"_delivery_slot_loan", PARAM_default_delivery_slot_loan},
    {"_destination_concurrency_failed_cohort_limit",
	PARAM_default_destination_concurrency_failed_cohort_limit},
    {"_destination_concurrency_limit",
	PARAM_default_destination_concurrency_limit},
    {"_destination_concurrency_negative_feedback",
	PARAM_default_destination_concurrency_negative_feedback},
    {"_destination_concurrency_positive_feedback",
	PARAM_default_destination_concurrency_positive_feedback},
    {"_destination_rate_delay", PARAM_default_destination_rate_delay},
    {"_destination_recipient_limit", PARAM_default_destination_recipient_limit},
    {"_extra_recipient_limit", PARAM_default_extra_recipient_limit},
    {"_initial_destination_concurrency", PARAM_initial_destination_concurrency},
    {"_minimum_delivery_slots", PARAM_default_minimum_delivery_slots},
    {"_recipient_limit", PARAM_default_recipient_limit},
    {"_recipient_refill_delay", PARAM_default_recipient_refill_delay},
    {"_recipient_refill_limit", PARAM_default_recipient_refill_limit},
    {"_time_limit", PARAM_command_time_limit},
    {"_transport_rate_delay", PARAM_default_transport_rate_delay},
};
#define NENDINGS (sizeof(endings) / sizeof(endings[0]))

bool
param_find(struct str name, enum param *ret)
{
	size_t low = 0, high = PARAM_COUNT;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = str_cmp(name, str_c(param_table[mid].name));
		if (c == 0) {
			*ret = (enum param)mid;
			return true;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

bool
param_works(enum param p)
{
	assert(p < PARAM_COUNT);
	return param_table[p].type != PARAM_GONE &&
	       param_table[p].type != PARAM_MOOT;
}

bool
param_find_transport(
    struct str name, struct str *ret_transport, enum param *ret_default)
{
	const struct ending *best = NULL;
	size_t best_len = 0;

	/* The longest ending: "_recipient_limit" is a tail of another. */
	for (size_t i = 0; i < NENDINGS; i++) {
		struct str text = str_c(endings[i].text);
		if (name.len > text.len && text.len > best_len &&
		    str_has_suffix(name, text)) {
			best = &endings[i];
			best_len = text.len;
		}
	}
	if (best == NULL)
		return false;
	*ret_transport = str_sub(name, 0, name.len - best_len);
	*ret_default = best->def;
	return true;
}

const char *
param_transport_ending(size_t i, enum param *ret_default)
{
	if (i >= NENDINGS)
		return NULL;
	*ret_default = endings[i].def;
	return endings[i].text;
}

const char *
param_stock_transport(size_t i)
{
	static const char *const names[] = {"bsmtp", "error", "ifmail", "lmtp",
	    "local", "maildrop", "mailman", "relay", "retry",
	    "scalemail-backend", "smtp", "uucp", "virtual"};

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

const char *
param_suggest(struct str name)
{
	unsigned best = near_limit(name) + 1;
	const char *found = NULL;

	for (size_t i = 0; i < PARAM_COUNT && best > 0; i++) {
		unsigned d =
		    near_distance(name, str_c(param_table[i].name), best - 1);
		if (d < best) {
			best = d;
			found = param_table[i].name;
		}
	}
	return found;
}
