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

/* To whom one goes, and as whose. */
struct letter {
	struct addr from, to;
	bool for_postmaster;
	bool settles; /* its record says that what it tells is told */
};

static struct notice
make_notice(const struct bouncer *b, const struct job_bounce *job,
    const struct letter *l, struct str id)
{
	return (struct notice){
	    .job = job,
	    .template = &b->templates.of[job->about],
	    .for_postmaster = l->for_postmaster,
	    .to = l->to.text,
	    .id = id,
	    .hostname = conf_str(b->conf, PARAM_myhostname),
	    .origin = conf_str(b->conf, PARAM_myorigin),
	    .now = clock_wall(),
	    .retry_until = job->envelope.arrival +
	                   conf_time(b->conf, PARAM_maximal_queue_lifetime),
	};
}

static void
write_notice(struct bouncer *b, const struct job_bounce *job,
    const struct letter *l, struct content *c, struct intake *t)
{
	uint64_t limit = (uint64_t)conf_int(b->conf, PARAM_bounce_size_limit);
	size_t header = content_header_size(c), end = content_size(c);
	struct notice n = make_notice(b, job, l, intake_id(t));
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf text = {0};
	arena_init(&a, (size_t)1024 * 1024);
	buf_init(&text, NOTICE_MAX);

	n.is_whole = notice_is_whole(job, l->for_postmaster, end, limit);
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

static void
commit(const struct job_bounce *job, const struct letter *l, struct intake *t,
    struct arena *a, struct outcome *ret)
{
	struct str dsn, text, id = intake_id(t);

	switch (intake_commit(t, &dsn, &text)) {
	case INTAKE_QUEUED:
		text = arena_strf(a, "notification %.*s", STR_ARG(id));
		settle(ret, OUTCOME_SENT, STR("2.0.0"), text, a);
		log_info("%.*s: %s %s notification: %.*s",
		    STR_ARG(job->envelope.id),
		    l->for_postmaster ? "postmaster" : "sender",
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

static void
send_letter(struct bouncer *b, const struct job_bounce *job,
    const struct letter *l, struct content *content, struct arena *a,
    struct outcome *ret)
{
	struct intake_origin origin = {
	    .is_bounce = true,
	    .body_8bit = job->envelope.body_8bit,
	    .utf8 = job->envelope.utf8,
	};
	/* RFC 3461 section 6.1. */
	struct recipient to = {
	    .address = l->to.text,
	    .original = l->to.text,
	    .notify = NOTIFY_NEVER,
	};
	struct intake *t = intake_begin(b->taker, &origin);

	intake_sender(t, l->from);
	if (intake_recipient(t, &to) != 0) {
		settle(ret, OUTCOME_BOUNCED, STR("5.1.7"),
		    STR("the address to notify is none"), a);
	} else {
		if (l->settles)
			intake_parent(t, job->envelope.id);
		write_notice(b, job, l, content, t);
		commit(job, l, t, a, ret);
	}
	intake_end(&t);
}

/* From double_bounce_sender, who is never told of anything. */
static bool
address_postmaster(const struct bouncer *b, const struct job_bounce *job,
    struct arena *a, struct letter *ret)
{
	struct str from = arena_strf(a, "%.*s@%.*s",
	    STR_ARG(conf_str(b->conf, PARAM_double_bounce_sender)),
	    STR_ARG(conf_str(b->conf, PARAM_myhostname)));

	ret->for_postmaster = true;
	return job->postmaster.len > 0 && addr_parse(from, &ret->from) == 0 &&
	       addr_parse(job->postmaster, &ret->to) == 0;
}

/*
 * The sender's settles the matter, and the postmaster's where there is none
 * for a sender; a copy that cannot be made is not made again.
 */
void
bouncer_run(struct bouncer *b, const struct job_bounce *job,
    struct content *content, struct arena *a, struct outcome *ret)
{
	struct addr nobody = {STR_NONE, STR_NONE, STR_NONE};
	struct letter sender = {.from = nobody, .settles = true};
	struct letter postmaster = {.settles = true};
	struct outcome copy;
	bool has_postmaster = address_postmaster(b, job, a, &postmaster);
	bool has_sender = job->to_sender && job->envelope.sender.len > 0 &&
	                  !job->envelope.is_bounce &&
	                  addr_parse(job->envelope.sender, &sender.to) == 0;

	if (has_sender) {
		send_letter(b, job, &sender, content, a, ret);
		if (!has_postmaster || ret->state == OUTCOME_DEFERRED)
			return;
		postmaster.settles = ret->state == OUTCOME_BOUNCED;
		send_letter(b, job, &postmaster, content, a,
		    postmaster.settles ? ret : &copy);
	} else if (has_postmaster) {
		send_letter(b, job, &postmaster, content, a, ret);
	} else {
		settle(ret, OUTCOME_BOUNCED, STR("5.1.7"),
		    STR("the address to notify is none"), a);
	}
}
