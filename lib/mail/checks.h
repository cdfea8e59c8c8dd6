/* SPDX-License-Identifier: ISC */
/*
 * checks - header_checks(5): what a table tells to do with a header field or
 * a line of a body that it knows.
 *
 *	BCC user@domain           a copy to there
 *	DISCARD                   the message is taken, and goes nowhere
 *	DUNNO                     nothing
 *	FILTER transport:nexthop  in place of content_filter
 *	HOLD                      it waits in hold/
 *	IGNORE, STRIP             without this field or line; STRIP is logged
 *	INFO, WARN                a line in the log
 *	PASS                      no more of this message is looked at
 *	PREPEND text, REPLACE text
 *	REDIRECT user@domain      to there, and to nobody else
 *	REJECT text               perhaps with an enhanced code in front, 4 or 5
 */
#ifndef MAIL_CHECKS_H
#define MAIL_CHECKS_H

#include "base/str.h"

#include <stdbool.h>

enum checks_verb {
	CHECKS_BCC,
	CHECKS_DISCARD,
	CHECKS_DUNNO,
	CHECKS_FILTER,
	CHECKS_HOLD,
	CHECKS_IGNORE,
	CHECKS_INFO,
	CHECKS_PASS,
	CHECKS_PREPEND,
	CHECKS_REDIRECT,
	CHECKS_REJECT,
	CHECKS_REPLACE,
	CHECKS_STRIP,
	CHECKS_WARN,
};

struct checks_action {
	enum checks_verb verb;
	struct str text; /* what stands behind the word, or empty */
};

/*
 * A table's answer about a header field (`is_header`) or a line of a body.
 * NULL with *ret; or what is wrong with it: then it tells nothing to do.
 * SECURITY: what is put in place of a field, or in front of one, is a whole
 * field, or the header would end there.
 */
const char *checks_parse(
    struct str value, bool is_header, struct checks_action *ret);

/* The word of the log for it: "reject", "warning" ...; NULL: it is not
 * logged. */
const char *checks_word(enum checks_verb verb);

#endif
