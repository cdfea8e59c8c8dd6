/* SPDX-License-Identifier: ISC */
/* Any text as base64, as a name of SCRAM and as one of its messages: what is
 * taken comes back the same. */
#include "mail/base64.h"
#include "mail/scram.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_base64(struct str text)
{
	BUF_CLEANUP struct buf plain = {0}, again = {0};

	buf_init(&plain, text.len);
	buf_init(&again, text.len);
	if (base64_decode(text, &plain) != 0) {
		assert(plain.len == 0);
		return;
	}
	assert(base64_encode(buf_str(&plain), &again) == 0);
	assert(str_eq(buf_str(&again), text));
}

static void
try_name(struct str text)
{
	BUF_CLEANUP struct buf plain = {0}, again = {0};

	buf_init(&plain, text.len);
	buf_init(&again, text.len);
	if (scram_name_decode(text, &plain) != 0)
		return;
	assert(scram_name_encode(buf_str(&plain), &again) == 0);
	assert(str_eq(buf_str(&again), text));
}

static void
try_message(struct str rest)
{
	struct str value;

	while (rest.len > 0) {
		size_t was = rest.len;

		if (!scram_take(&rest, rest.p[0], &value))
			return;
		assert(rest.len < was && value.len > 0);
		(void)scram_is_nonce(value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);

	try_base64(text);
	try_name(text);
	try_message(text);
	return 0;
}
