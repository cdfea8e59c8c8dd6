/* SPDX-License-Identifier: ISC */
/*
 * What a server says, as lines, and what the log and the sender would read of
 * it.
 */
#include "fail.h"
#include "reply.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A text that an outcome could not carry would lose the outcome. */
static void
check_text(struct str s)
{
	if (s.len > OUTCOME_TEXT_MAX || str_has_char(s, '\n') ||
	    str_has_char(s, '\r') || str_has_char(s, '\0'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str rest = str_n((const char *)bytes, n), line;
	struct reply r;
	struct fail f;

	reply_init(&r);
	fail_init(&f);
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (reply_add(&r, line) == REPLY_MORE)
			continue;
		if (r.text.len > REPLY_TEXT_MAX)
			abort();
		fail_said(&f, &r, "host.example[192.0.2.1]", "DATA command");
		check_text(buf_str(&f.text));
		check_text(buf_str(&f.diagnostic));
		fail_refused(&f, &r, "host.example[192.0.2.1]");
		check_text(buf_str(&f.text));
		fail_quote(&f, &r);
		check_text(buf_str(&f.text));
		reply_reset(&r);
	}
	fail_done(&f);
	reply_done(&r);
	return 0;
}
