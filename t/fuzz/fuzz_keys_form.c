/* SPDX-License-Identifier: ISC */
/* Any bytes as a message to be signed: what passes for one of TLS 1.3 begins
 * as such a one does, and nothing passes for it with anything behind it. */
#include "form.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	bool is_13 = false;

	switch (form_parse(in)) {
	case FORM_SERVER_13:
	case FORM_CLIENT_13:
		is_13 = true;
		assert(size == 64 + 34 + 32 || size == 64 + 34 + 48);
		for (size_t i = 0; i < 64; i++)
			assert(data[i] == ' ');
		break;
	case FORM_SERVER_12:
		assert(size > 64 + 4);
		break;
	case FORM_CLIENT_12:
		assert(size >= 8 * 4 - 4 && data[0] == 1);
		break;
	case FORM_OTHER:
		break;
	}
	assert(is_13 || size < 98 || memcmp(data + 64, "TLS 1.3, ", 9) != 0 ||
	       form_parse(in) != FORM_SERVER_12);
	return 0;
}
