/* SPDX-License-Identifier: ISC */
/* A server's challenges, a line each, for every mechanism.  "%" in them stands
 * for what the client said last, so that a nonce can be gone on from. */
#include "mail/sasl.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_line(struct buf *b, struct str line, struct str said)
{
	ptrdiff_t nonce = str_find_str(said, STR(",r="));

	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] != '%')
			buf_add_char(b, line.p[i]);
		else if (nonce >= 0)
			buf_add_str(b, str_from(said, (size_t)nonce + 3));
}

static void
talk(const struct sasl_mechanism *m, struct str script)
{
	struct sasl *s = sasl_new(m, STR("us,er="), STR("pencil"));
	BUF_CLEANUP struct buf response = {0}, challenge = {0};
	const char *why = NULL;
	struct str line;
	bool ok = true;

	buf_init_secret(&response, SASL_RESPONSE_MAX);
	buf_init(&challenge, 64 * 1024);
	if (sasl_speaks_first(m))
		ok = sasl_step(s, STR_NONE, &response, &why);
	while (ok && script.len > 0) {
		str_cut(script, '\n', &line, &script);
		buf_reset(&challenge);
		add_line(&challenge, line, buf_str(&response));
		ok = sasl_step(s, buf_str(&challenge), &response, &why);
		assert(ok || why != NULL);
		assert(ok || !sasl_is_complete(s));
		/* Nobody can sign for a password that he does not know. */
		assert(!sasl_is_complete(s) ||
		       (sasl_withstands(m) & SASL_MUTUAL_AUTH) == 0);
	}
	sasl_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; size <= 8192 && sasl_at(i) != NULL; i++)
		talk(sasl_at(i), str_n((const char *)data, size));
	return 0;
}
