/* SPDX-License-Identifier: ISC */
/* A client of the authentication protocol, a line each; what it says in an
 * exchange is not in base64.  "%" stands for what we said last, so that a
 * nonce can be gone on from.  Nobody is let in without his password. */
#include "line.h"
#include "mechanism.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct users *
make_users(void)
{
	static const struct dict_env env = {.default_type = {"hash", 4}};
	static const struct users_seed seed;
	BUF_CLEANUP struct buf why = {0};
	struct users *u;

	buf_init(&why, 1000);
	u = users_new(&env,
	    STR("inline:{ {ann={SCRAM-SHA-256}4096,1w7WNNADb+S+MBDH5dTQ2Q==,"
		"2AR37QspQR39i6wtuwFWGNxuolqUE1vCNCTL0FayiFQ=,"
		"d4Q9auhPO/Iz2qH+E20Z1TOWGFpCQXvanwNnRM6msCE=} }"),
	    &seed, &why);
	assert(u != NULL);
	return u;
}

static void
add_answer(struct buf *b, struct str line, struct str said)
{
	struct str nonce = STR_NONE;

	if (str_has_prefix(said, STR("r=")))
		str_cut(str_from(said, 2), ',', &nonce, NULL);
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] != '%')
			buf_add_char(b, line.p[i]);
		else
			buf_add_str(b, nonce);
}

/* Is the exchange still open? */
static bool
say(struct exchange *x, bool has, struct str text)
{
	BUF_CLEANUP struct buf in = {0};

	buf_init(&in, MECHANISM_INPUT_MAX);
	add_answer(&in, text, buf_str(&x->out));
	switch (exchange_step(x, has, buf_str(&in))) {
	case STEP_CHALLENGE:
		return true;
	case STEP_CHECK:
		assert(x->name.len > 0);
		if (x->mechanism->is_scram)
			assert(exchange_check(x, x->users) != VERDICT_OK);
		return false;
	case STEP_BAD:
	case STEP_RETRY:
		break;
	}
	return false;
}

static void
talk(struct users *u, struct str script)
{
	const struct mechanism *m;
	struct exchange x;
	struct str text;
	struct line l;
	bool is_open = false;

	while (str_line(&script, &text)) {
		if (line_parse(text, &l) < 0)
			break;
		if (l.kind == LINE_AUTH && is_open)
			break;
		if (l.kind == LINE_AUTH) {
			m = mechanism_find(l.mechanism);
			if (m == NULL)
				continue;
			exchange_init(&x, m, u, "");
			is_open = say(&x, l.has_response, l.response);
		} else if (l.kind == LINE_CONT && is_open) {
			is_open = say(&x, true, l.response);
		} else {
			continue;
		}
		if (!is_open)
			exchange_done(&x);
	}
	if (is_open)
		exchange_done(&x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct users *users;

	if (users == NULL)
		users = make_users();
	if (size <= 16384)
		talk(users, str_n((const char *)data, size));
	return 0;
}
