/* SPDX-License-Identifier: ISC */
/*
 * bouncer - one notification, from the request to the queue.
 */
#include "bouncer.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/intake.h"
#include "notice.h"

static void
settle(struct outcome *ret, enum outcome_state state, struct str dsn,
    struct str text, struct arena *a)
{
	*ret = (struct outcome){
	    .state = state,
	    .dsn = arena_str(a, dsn),
	    .text = arena_str(a, text),
	    .relay = STR("none"),
	};
}

/* SECURITY: a notification is never answered by one (RFC 5321 section 6.1),
 * else two hosts write to each other for ever. */
static bool
has_nobody_to_notify(const struct bouncer *b, const struct envelope *e)
{
	struct str sender = e->sender, local;

	(void)str_cut(sender, '@', &local, NULL);
	return sender.len == 0 || e->is_bounce ||
	       str_eq_case(
		   local, conf_str(b->conf, PARAM_double_bounce_sender));
}

/* The first bytes, whole lines of them. */
static size_t
cut_at_line(struct content *c, size_t end, size_t limit)
{
	char byte;

	if (end <= limit)
		return end;
	while (limit > 0 &&
	       (content_read(c, limit - 1, &byte, 1) != 1 || byte != '\n'))
		limit--;
	return limit;
}

static int
add_content(struct intake *t, struct content *c, size_t end)
{
	for (size_t at = 0; at < end;) {
		struct str piece;
		int r = content_view(c, at, &piece);
		if (r < 0)
			return r;
		piece = str_sub(piece, 0, end - at);
		if (piece.len == 0)
			break;
		r = intake_bytes(t, piece);
		if (r < 0)
			return r;
		at += piece.len;
	}
	return 0;
}

/* The header as one piece, for what threads it. */
static struct str
read_header(struct content *c, size_t size, struct arena *a)
{
	char *bytes = arena_alloc(a, size + 1);
	size_t have = 0;

	while (have < size) {
		ssize_t n = content_read(c, have, bytes + have, size - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return str_n(bytes, have);
}

static void
write_notice(struct bouncer *b, const struct job_bounce *job, struct content *c,
    struct intake *t)
{
	uint64_t limit = (uint64_t)conf_int(b->conf, PARAM_bounce_size_limit);
	size_t header = content_header_size(c), end = content_size(c);
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf text = {0};
	arena_init(&a, (size_t)1024 * 1024);
	buf_init(&text, NOTICE_MAX);
	struct notice n = {
	    .about = (enum bounce_about)job->about,
	    .envelope = &job->envelope,
	    .outcomes = job->outcomes.p,
	    .n = job->outcomes.n,
	    .id = intake_id(t),
	    .hostname = conf_str(b->conf, PARAM_myhostname),
	    .origin = conf_str(b->conf, PARAM_myorigin),
	    .now = clock_wall(),
	    .retry_until = job->envelope.arrival +
	                   conf_time(b->conf, PARAM_maximal_queue_lifetime),
	};

	n.is_whole = !job->cut && notice_is_whole(n.about, n.envelope,
				      content_size(c), limit);
	if (!n.is_whole)
		end = cut_at_line(c, header, limit);
	if (conf_bool(b->conf, PARAM_enable_threaded_bounces))
		notice_thread(&n,
		    read_header(c, header < 65536 ? header : 65536, &a), &a);
	notice_begin(&n, &text);
	/* An error stays with the intake, and commit tells it. */
	(void)intake_bytes(t, buf_str(&text));
	if (add_content(t, c, end) < 0)
		log_warning("%.*s: the message cannot be read back whole",
		    STR_ARG(job->envelope.id));
	buf_reset(&text);
	notice_end(&n, &text);
	(void)intake_bytes(t, buf_str(&text));
}

/* A failure is settled for the parent by the record that holds the child; a
 * delay and a success settle nothing. */
static void
settle_parent(const struct job_bounce *job, struct intake *t, struct arena *a)
{
	const struct job_outcome *o = job->outcomes.p;
	size_t n = job->outcomes.n;

	if (job->about != BOUNCE_FAILURE || n == 0)
		return;
	uint64_t *indexes = arena_array(a, n, sizeof(*indexes));
	for (size_t i = 0; i < n; i++)
		indexes[i] = o[i].index;
	intake_parent(t, job->envelope.id, indexes, n);
}

static void
commit(const struct job_bounce *job, struct intake *t, struct arena *a,
    struct outcome *ret)
{
	struct str dsn, text, id = intake_id(t);

	switch (intake_commit(t, &dsn, &text)) {
	case INTAKE_QUEUED:
		text = arena_strf(a, "notification %.*s", STR_ARG(id));
		settle(ret, OUTCOME_SENT, STR("2.0.0"), text, a);
		log_info("%.*s: sender %s notification: %.*s",
		    STR_ARG(job->envelope.id),
		    notice_word((enum bounce_about)job->about), STR_ARG(id));
		break;
	case INTAKE_RETRY:
		settle(ret, OUTCOME_DEFERRED, dsn, text, a);
		break;
	case INTAKE_REFUSED:
		settle(ret, OUTCOME_BOUNCED, dsn, text, a);
		break;
	}
}

void
bouncer_run(struct bouncer *b, const struct job_bounce *job,
    struct content *content, struct arena *a, struct outcome *ret)
{
	struct intake_origin origin = {
	    .is_bounce = true,
	    .body_8bit = job->envelope.body_8bit,
	    .utf8 = job->envelope.utf8,
	};
	struct addr sender;

	if (has_nobody_to_notify(b, &job->envelope)) {
		settle(ret, OUTCOME_SENT, STR("2.0.0"), STR("nobody to notify"),
		    a);
		return;
	}
	if (addr_parse(job->envelope.sender, &sender) != 0) {
		settle(ret, OUTCOME_BOUNCED, STR("5.1.7"),
		    STR("the sender's address is none"), a);
		return;
	}
	struct recipient to = {
	    .address = sender.text,
	    .original = sender.text,
	    .notify = NOTIFY_NEVER,
	};
	struct intake *t = intake_begin(b->taker, &origin);
	intake_sender(t, (struct addr){STR_NONE, STR_NONE, STR_NONE});
	if (intake_recipient(t, &to) != 0) {
		settle(ret, OUTCOME_BOUNCED, STR("5.1.7"),
		    STR("the sender's address is none"), a);
	} else {
		settle_parent(job, t, a);
		write_notice(b, job, content, t);
		commit(job, t, a, ret);
	}
	intake_end(&t);
}
