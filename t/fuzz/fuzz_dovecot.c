/* SPDX-License-Identifier: ISC */
/* An authentication server's lines. */
#include "dovecot_line.h"
#include "mail/bounds.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size), line;
	struct dovecot_line l;
	struct arena a;

	arena_init(&a, 4 * size + 4096);
	while (str_line(&rest, &line)) {
		arena_reset(&a);
		if (dovecot_parse_line(line, &a, &l) < 0)
			continue;
		assert(l.kind != DOVECOT_OK || l.user.len > 0);
		assert(l.user.len <= BOUND_NAME);
		assert(!str_has_char(l.user, '\n'));
		assert(dovecot_is_base64(l.challenge));
		assert(l.mechanism.len <= DOVECOT_MECHANISM_MAX);
		assert(l.reason.len <= DOVECOT_REASON_MAX);
	}
	arena_done(&a);
	return 0;
}
