/* SPDX-License-Identifier: ISC */
/*
 * postcat_show - a message of the queue as text, in the words of Postfix's
 * postcat(1): envelope by records, content by lines, between markers that
 * scripts look for.
 *
 * Valija's files have no such records.  Their types and offsets are those
 * that they would have in a file of Postfix.
 */
#ifndef TOOLS_POSTCAT_SHOW_H
#define TOOLS_POSTCAT_SHOW_H

#include "mail/content.h"
#include "mail/envelope.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct postcat_message {
	const char *name; /* in the markers: "deferred/3f/ID", or a file's */
	const struct envelope *envelope;
	struct str full_name; /* of one in maildrop/ */
	const bool *done;     /* one a recipient; NULL: none is */
	struct str content;
};

struct postcat_view {
	FILE *out;
	bool has_envelope, has_header, has_body;
	bool has_offsets, has_types; /* -o, -d */
	bool is_verbose;             /* -v: each line says what it is */
	uint64_t from;               /* -s: what stands in front is not shown */
};

void postcat_show(
    const struct postcat_view *v, const struct postcat_message *m);

#endif
