/* SPDX-License-Identifier: ISC */
/*
 * filter - which messages postqueue(1) shows: --from, --to, --domain, --age,
 * --reason.  All that are set must hold, those about a
 * recipient for one and the same; but for --reason, case is ignored.
 */
#ifndef TOOLS_FILTER_H
#define TOOLS_FILTER_H

#include "mail/proto/admin.h"

#include <stdbool.h>

struct filter {
	const char *from;   /* the sender, "" or "<>" for the null sender */
	const char *to;     /* a recipient */
	const char *domain; /* of a recipient */
	const char *reason; /* stands in a reason to wait */
	int64_t age;        /* ns, at least */
};

/* "90", "10m", "2h", "5d": false, it is no time. */
bool filter_parse_age(const char *text, int64_t *ret);

bool filter_matches(
    const struct filter *f, const struct admin_entry *e, int64_t now);

#endif
