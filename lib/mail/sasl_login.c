/* SPDX-License-Identifier: ISC */
/*
 * sasl_login - "User Name", "Password": what servers ask was never agreed on
 * (draft-murchison-sasl-login), so the order counts and not the words.
 */
#include "mail/sasl_mechanism.h"

static bool
step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	(void)challenge;
	(void)why;
	buf_add_str(response, buf_str(s->step == 0 ? &s->user : &s->password));
	return true;
}

const struct sasl_mechanism sasl_login = {
    .name = "LOGIN",
    .withstands = SASL_NOANONYMOUS,
    .steps = 2,
    .step = step,
};
