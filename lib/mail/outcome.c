/* SPDX-License-Identifier: ISC */
/* outcome - what became of a recipient: its shape, and its words. */
#include "mail/outcome.h"

#include "mail/bounds.h"

#include <stddef.h>

static const struct field outcome_fields[] = {
    SHAPE_U64(struct outcome, state, OUTCOME_BOUNCED),
    SHAPE_U64(struct outcome, how, OUTCOME_PASSED_ON),
    SHAPE_LINE(struct outcome, dsn, BOUND_DSN),
    SHAPE_LINE(struct outcome, text, OUTCOME_TEXT_MAX),
    SHAPE_LINE(struct outcome, relay, BOUND_CLIENT),
    SHAPE_LINE(struct outcome, remote_mta, BOUND_CLIENT),
    SHAPE_LINE(struct outcome, diagnostic, OUTCOME_TEXT_MAX),
    SHAPE_U64(struct outcome, conn_use, UINT32_MAX),
    SHAPE_I64(struct outcome, connect_ns, INT64_MAX),
    SHAPE_I64(struct outcome, transmit_ns, INT64_MAX),
};
const struct shape outcome_shape =
    SHAPE("outcome", struct outcome, outcome_fields);

enum outcome_state
outcome_from_dsn(struct str dsn)
{
	if (str_has_prefix(dsn, STR("2.")))
		return OUTCOME_SENT;
	if (str_has_prefix(dsn, STR("5.")))
		return OUTCOME_BOUNCED;
	return OUTCOME_DEFERRED;
}

const char *
outcome_word(enum outcome_state s)
{
	switch (s) {
	case OUTCOME_SENT:
		return "sent";
	case OUTCOME_BOUNCED:
		return "bounced";
	case OUTCOME_DEFERRED:
		break;
	}
	return "deferred";
}
