/* SPDX-License-Identifier: ISC */
/* Any bytes as a password and as a name: what is made of them has its bound,
 * is text, and is the same for both. */
#include "mail/saslprep.h"
#include "mail/secrets.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#define ROOM 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n((const char *)data, size);
	BUF_CLEANUP struct buf one = {0}, two = {0};
	int r, same;

	buf_init(&one, ROOM);
	buf_init(&two, ROOM);
	r = saslprep(in, &one);
	assert(r == 0 || r == -EINVAL || r == -EMSGSIZE);
	if (r == 0)
		assert(one.len > 0 && !str_has_char(buf_str(&one), '\0'));
	same = saslprep_or_same(in, &two);
	assert(same == 0 || same == -EMSGSIZE);
	if (same == 0)
		assert(str_eq(buf_str(&two), r == 0 ? buf_str(&one) : in));
	buf_reset(&one);
	if (secrets_fold(in, &one) == 0)
		assert(secrets_is_named(in, buf_str(&one)));
	return 0;
}
