/* SPDX-License-Identifier: ISC */
/* Any bytes as auth's question: three strings, and nothing else. */
#include "question.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct question q;

	if (!question_parse(str_n((const char *)data, size), &q))
		return 0;
	assert(strlen(q.name) > 0 && strlen(q.name) <= SECRETS_USER_MAX);
	assert(strlen(q.name) + strlen(q.password) + strlen(q.address) + 3 ==
	       size);
	assert(size <= PAM_QUESTION_MAX);
	return 0;
}
