/* SPDX-License-Identifier: ISC */
/*
 * intake_checks - what header_checks(5) and the like tell to do with a message
 * that is on its way in, and their lines in the log.
 */
#include "mail/intake_state.h"

#include "base/log.h"
#include "mail/dsn.h"

#define SHOWN 200 /* bytes of a field or a line in the log */

/* ---- the log ---- */

static void
log_action(const struct intake *t, const char *word, bool is_header,
    struct str found, struct str text)
{
	const struct intake_origin *o = &t->origin;
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, 4 * LOG_LINE_MAX); /* the log cuts it */
	buf_addf(&line, "%s: %s: %s %.*s from %.*s; from=<%.*s>", t->id, word,
	    is_header ? "header" : "body", STR_ARG(str_sub(found, 0, SHOWN)),
	    STR_ARG(o->client.len > 0 ? o->client : STR("local")),
	    STR_ARG(t->sender.text));
	if (t->given.n > 0)
		buf_addf(&line, " to=<%.*s>",
		    STR_ARG(t->given.p[t->given.n - 1].address));
	if (o->proto.len > 0)
		buf_addf(&line, " proto=%.*s", STR_ARG(o->proto));
	if (o->helo.len > 0)
		buf_addf(&line, " helo=<%.*s>", STR_ARG(o->helo));
	if (text.len > 0)
		buf_addf(&line, ": %.*s", STR_ARG(text));
	log_info_as(taker_tag(t->taker), "%s", line.p);
}

static void
wrong(void *arg, const char *table, struct str answer, const char *why)
{
	const struct intake *t = arg;

	if (answer.len == 0)
		log_warning("%s: %s: %s", t->id, table, why);
	else
		log_warning("%s: %s: %s: \"%.*s\"", t->id, table, why,
		    STR_ARG(str_sub(answer, 0, SHOWN)));
}

/* ---- what is done ---- */

/* An enhanced code in front of the text counts, if it is of a refusal. */
static void
reject(struct intake *t, struct str text)
{
	struct str dsn = dsn_cut_status(&text);

	t->dsn = dsn.len > 0 && dsn.p[0] != '2' ? arena_str(&t->arena, dsn)
	                                        : STR("5.7.1");
	t->text = text.len > 0 ? arena_str(&t->arena, text)
	                       : STR("message content rejected");
	t->is_rejected = t->is_over = true;
}

/* 0, or -EINVAL: it is not as it should be. */
static int
carry_out(struct intake *t, const struct checks_action *what)
{
	switch (what->verb) {
	case CHECKS_BCC:
		return intake_copy(t, what->text);
	case CHECKS_REDIRECT:
		return intake_redirect(t, what->text);
	case CHECKS_FILTER:
		intake_filter(t, what->text);
		break;
	case CHECKS_HOLD:
		intake_hold(t);
		break;
	case CHECKS_DISCARD:
		t->is_discarded = t->is_over = true;
		break;
	case CHECKS_REJECT:
		reject(t, what->text);
		break;
	case CHECKS_DUNNO:
	case CHECKS_IGNORE:
	case CHECKS_INFO:
	case CHECKS_PASS:
	case CHECKS_PREPEND:
	case CHECKS_REPLACE:
	case CHECKS_STRIP:
	case CHECKS_WARN:
		break;
	}
	return 0;
}

static void
act(void *arg, const struct checks_action *what, bool is_header,
    struct str found)
{
	struct intake *t = arg;
	struct checks_action one = *what;
	bool was_held = t->is_held;

	/* What a pattern took from a folded field is said in one line. */
	if (what->verb == CHECKS_REJECT)
		str_cut(what->text, '\n', &one.text, NULL);
	if (carry_out(t, &one) < 0) {
		wrong(t, checks_word(what->verb), what->text,
		    "this cannot be done");
		return;
	}
	if (what->verb == CHECKS_HOLD && was_held)
		return;
	if (t->is_rejected)
		one.text = arena_strf(
		    &t->arena, "%.*s %.*s", STR_ARG(t->dsn), STR_ARG(t->text));
	log_action(t, checks_word(what->verb), is_header, found, one.text);
}

/* ---- what goes on ---- */

static void
take_field(void *arg, struct str field)
{
	struct intake *t = arg;
	struct str line;

	if (t->is_trace) {
		intake_append(t, field);
		intake_append(t, STR("\n"));
		return;
	}
	while (str_line(&field, &line))
		intake_take_line(t, line);
}

static void
end_header(void *arg, bool is_line)
{
	struct intake *t = arg;

	if (is_line || !t->in_body)
		intake_take_line(t, STR_NONE);
}

static void
put(void *arg, struct str bytes)
{
	intake_append(arg, bytes);
}

const struct sift_events intake_checks = {
    .field = take_field,
    .end_header = end_header,
    .put = put,
    .act = act,
    .wrong = wrong,
};

void
intake_put_trace(struct intake *t, struct str text)
{
	int r;

	t->is_trace = true;
	r = sift_fields(t->sift, text);
	t->is_trace = false;
	if (r < 0)
		intake_fail(t, r);
}
