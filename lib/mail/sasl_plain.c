/* SPDX-License-Identifier: ISC */
/* sasl_plain - RFC 4616: [authorisation identity] NUL user NUL password. */
#include "mail/sasl_mechanism.h"

static bool
step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	(void)challenge; /* empty, or a server's greeting */
	(void)why;
	buf_add_char(response, '\0');
	buf_add_str(response, buf_str(&s->user));
	buf_add_char(response, '\0');
	buf_add_str(response, buf_str(&s->password));
	return true;
}

const struct sasl_mechanism sasl_plain = {
    .name = "PLAIN",
    .withstands = SASL_NOANONYMOUS,
    .speaks_first = true,
    .steps = 1,
    .step = step,
};
