/* SPDX-License-Identifier: ISC */
/* report - the lines that parsers read: Postfix's grammar to the letter. */
#include "qmgr.h"

#include "base/log.h"

#include <inttypes.h>

void
report_active(const struct message *m)
{
	const struct envelope *e = &m->active->body->envelope;

	log_info("%s: from=<%.*s>, size=%" PRIu64 ", nrcpt=%zu (queue active)",
	    m->item.id, STR_ARG(e->sender), e->size, e->recipients.n);
}

void
report_removed(const struct message *m)
{
	log_info("%s: removed", m->item.id);
}

void
report_expired(const struct message *m, const char *how)
{
	const struct envelope *e = &m->active->body->envelope;

	log_info("%s: from=<%.*s>, status=%s, returned to sender", m->item.id,
	    STR_ARG(e->sender), how);
}

/* Two significant digits below 100 s, and never finer than 10 ms. */
static void
add_seconds(struct buf *out, int64_t ns)
{
	int64_t centis = ns <= 0 ? 0 : (ns + 5 * CLOCK_MS) / (10 * CLOCK_MS);

	if (centis == 0)
		buf_add_char(out, '0');
	else
		buf_addf(
		    out, centis < 1000 ? "%.2g" : "%.0f", (double)centis / 100);
}

static void
add_delays(struct buf *out, const struct message *m, int64_t started,
    const struct outcome *o)
{
	int64_t arrival = m->active->body->envelope.arrival;
	int64_t since = m->active->since;

	buf_add_c(out, ", delay=");
	add_seconds(out, clock_wall() - arrival);
	buf_add_c(out, ", delays=");
	add_seconds(out, since - arrival);
	buf_add_char(out, '/');
	add_seconds(out, started - since);
	buf_add_char(out, '/');
	add_seconds(out, o->connect_ns);
	buf_add_char(out, '/');
	add_seconds(out, o->transmit_ns);
}

void
report_recipient(const struct message *m, const char *agent, int64_t started,
    uint64_t index, const struct outcome *o)
{
	const struct recipient *r = message_recipient(m, index);
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LOG_LINE_MAX);
	buf_addf(&line, "to=<%.*s>", STR_ARG(r->address));
	if (!str_is_empty(r->original) && !str_eq(r->original, r->address))
		buf_addf(&line, ", orig_to=<%.*s>", STR_ARG(r->original));
	buf_add_c(&line, ", relay=");
	buf_add_str(&line, str_is_empty(o->relay) ? STR("none") : o->relay);
	if (o->conn_use > 1)
		buf_addf(&line, ", conn_use=%" PRIu64, o->conn_use);
	add_delays(&line, m, started, o);
	log_info_as(agent, "%s: %s, dsn=%.*s, status=%s (%.*s)", m->item.id,
	    line.p, STR_ARG(o->dsn), outcome_word((enum outcome_state)o->state),
	    STR_ARG(o->text));
}
