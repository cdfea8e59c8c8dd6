/* SPDX-License-Identifier: ISC */
/* Any text as a passwd-file: what is taken of a line comes out of
 * secrets_format() as something that reads back the same. */
#include "mail/password.h"
#include "mail/secrets.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct secrets *s)
{
	BUF_CLEANUP struct buf text = {0};
	struct secrets again;
	const char *why;

	buf_init(&text, 3 * SECRETS_TEXT_MAX);
	assert(secrets_format(s, &text) == 0);
	if (text.len > SECRETS_TEXT_MAX)
		return;
	assert(secrets_parse(buf_str(&text), &again, &why) == 0);
	assert(again.n == s->n);
	for (size_t i = 0; i < s->n; i++) {
		struct password_scram key;

		assert(str_eq(again.list[i].app, s->list[i].app));
		assert(str_eq(again.list[i].scheme, s->list[i].scheme));
		assert(str_eq(again.list[i].hash, s->list[i].hash));
		if (password_scram(&s->list[i], HMAC_SHA256, &key))
			assert(key.iterations > 0 && key.salt.len > 0);
		/* Only a plain one can be known to any input. */
		if (!password_is_slow(&s->list[i]) &&
		    password_scheme(&s->list[i]) != PASSWORD_PLAIN)
			assert(!password_matches(&s->list[i], STR("nobody's")));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size}, line, name, text;
	struct secrets s;
	const char *why;

	while (size <= 16384 && str_line(&in, &line)) {
		if (!secrets_line(line, &name, &text, &why) || why != NULL)
			continue;
		assert(secrets_is_user(name));
		if (secrets_parse(text, &s, &why) == 0)
			check(&s);
	}
	return 0;
}
