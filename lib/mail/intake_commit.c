/* SPDX-License-Identifier: ISC */
/*
 * intake_commit - a message that was gathered is looked at as a whole, its
 * recipients become what the tables say, and qmgr is asked to keep it.
 */
#include "mail/intake_state.h"

#include "base/log.h"
#include "base/map.h"
#include "mail/dsn.h"
#include "mail/expansion.h"

#include <errno.h>
#include <string.h>

static enum intake_result
refuse(struct intake *t, const char *dsn, const char *text)
{
	t->dsn = str_c(dsn);
	t->text = str_c(text);
	return dsn[0] == '5' ? INTAKE_REFUSED : INTAKE_RETRY;
}

/* Our own trouble is never the sender's fault (P5): it can be tried again. */
static enum intake_result
refuse_error(struct intake *t)
{
	switch (t->error) {
	case -EMSGSIZE:
		return t->bytes > t->bytes_max
		           ? refuse(t, "5.3.4", "message file too big")
		           : refuse(t, "5.3.4", "message header too large");
	case -EINVAL:
		return refuse(
		    t, "5.1.3", "bad recipient address in message header");
	case -E2BIG:
		return refuse(t, "5.5.3", "too many recipients");
	case -ENOSPC:
		return refuse(t, "4.3.1", "Insufficient system storage");
	case -EAGAIN:
		return refuse(t, "4.3.0", "Temporary lookup failure");
	default:
		return refuse(t, "4.3.0", "queue file write error");
	}
}

/* With -t a message that was resent goes to whom it was resent. */
static int
add_extracted(struct intake *t)
{
	const struct intake_row *row =
	    t->extracted_resent.n > 0 ? &t->extracted_resent : &t->extracted;

	for (size_t i = 0; i < row->n; i++) {
		if (t->given.n >= ENVELOPE_RCPT_MAX)
			return -E2BIG;
		*intake_row_add(&t->given) = row->p[i];
	}
	return 0;
}

/* By header_checks and access tables.  Those who get a copy are none of the
 * sender's business. */
static int
add_ordered(struct intake *t)
{
	struct recipient only = {.address = t->redirect,
	    .original = t->redirect,
	    .orcpt = STR_NONE,
	    .notify = NOTIFY_NEVER};

	for (size_t i = 0; i < t->copies.n; i++) {
		if (t->given.n >= ENVELOPE_RCPT_MAX)
			return -E2BIG;
		*intake_row_add(&t->given) = t->copies.p[i];
	}
	if (t->redirect.len == 0)
		return 0;
	t->given.n = 0;
	*intake_row_add(&t->given) = only;
	return 0;
}

/* One recipient on its way to what it becomes. */
struct becoming {
	struct intake *t;
	const struct recipient *given;
	struct map *seen;
	size_t seen_max;
	struct str self; /* what it is before the tables */
	size_t first;    /* in the final row, of what it became */
	size_t became;
	bool is_other; /* one of those is not itself */
	bool is_too_many;
};

/* The same address by way of the same original, with the same wishes, is one
 * recipient. */
static bool
is_repeated(struct becoming *b, struct str address)
{
	struct arena *a = &b->t->arena;
	struct str key = arena_strf(a, "%.*s\n%.*s\n%llu\n%.*s",
	    STR_ARG(address), STR_ARG(b->given->original),
	    (unsigned long long)b->given->notify, STR_ARG(b->given->orcpt));

	key = arena_lower(a, key);
	if (map_get(b->seen, key) != NULL)
		return true;
	if (b->seen_max == 0 || b->seen->count < b->seen_max)
		map_put(b->seen, key, b->t);
	return false;
}

static void
become(void *arg, struct addr a)
{
	struct becoming *b = arg;
	struct intake *t = b->t;
	struct recipient r = *b->given;

	if (t->final.n >= ENVELOPE_RCPT_MAX) {
		b->is_too_many = true;
		return;
	}
	r.address = arena_str(&t->arena, a.text);
	b->became++;
	b->is_other = b->is_other || !str_eq_case(a.text, b->self);
	if (!is_repeated(b, r.address))
		*intake_row_add(&t->final) = r;
}

/*
 * RFC 3461 section 5.2.7.2: who asked to hear of success hears that the
 * recipient was expanded, from a recipient of the message that is for nothing
 * else; the others ask for the rest.
 */
static void
note_expanded(struct becoming *b)
{
	struct intake *t = b->t;
	struct recipient r = *b->given;
	struct action *nothing;

	if ((r.notify & NOTIFY_SUCCESS) == 0 ||
	    (b->became == 1 && !b->is_other))
		return;
	for (size_t i = b->first; i < t->final.n; i++)
		t->final.p[i].notify =
		    dsn_notify_of_members(t->final.p[i].notify);
	if (addr_is_null(t->sender) || t->final.n >= ENVELOPE_RCPT_MAX)
		return;
	nothing = arena_alloc(&t->arena, sizeof(*nothing));
	*nothing = (struct action){.kind = ACTION_EXPANDED};
	r.address = b->self;
	r.notify = NOTIFY_SUCCESS;
	r.action = (struct rows){nothing, 1};
	*intake_row_add(&t->final) = r;
}

static enum find
expand_one(struct becoming *b, const char **ret_why)
{
	struct intake *t = b->t;
	enum find found;
	struct addr a;

	if (addr_parse(b->given->address, &a) < 0)
		return FIND_YES; /* none was let in */
	a = rewrite_addr(&t->rewrite, a, &t->arena);
	b->self = a.text;
	b->first = t->final.n;
	b->became = 0;
	b->is_other = false;
	if (!t->is_expanded || b->given->action.n > 0) {
		become(b, a);
		return FIND_YES;
	}
	found = expansion_run(taker_expansion(t->taker), a, become, b, ret_why);
	if (found == FIND_YES)
		note_expanded(b);
	return found;
}

static enum intake_result
expand(struct intake *t)
{
	bool keep = conf_bool(t->conf, PARAM_enable_original_recipient);
	struct becoming b = {
	    .t = t,
	    .seen_max = (size_t)conf_int(t->conf, PARAM_duplicate_filter_limit),
	};
	enum find found = FIND_YES;
	const char *why = "";
	struct map seen;

	map_init(&seen);
	b.seen = &seen;
	for (size_t i = 0; i < t->given.n && found == FIND_YES; i++) {
		b.given = &t->given.p[i];
		if (!keep)
			t->given.p[i].original = STR_NONE;
		found = expand_one(&b, &why);
	}
	map_done(&seen);
	if (found == FIND_YES && !b.is_too_many)
		return INTAKE_QUEUED;
	if (b.is_too_many)
		return refuse(t, "4.5.3", "too many recipients");
	log_warning("%s: %.*s: %s", t->id, STR_ARG(b.given->address), why);
	if (found == FIND_RETRY)
		return refuse(t, "4.3.0", "Temporary lookup failure");
	return refuse(t, "4.6.0", "Alias expansion error");
}

static void
log_message_id(const struct intake *t)
{
	struct str id = t->repair.message_id;

	log_info_as(taker_tag(t->taker), "%s: %smessage-id=%.*s", t->id,
	    t->repair.is_resent ? "resent-" : "",
	    STR_ARG(id.len > 0 ? id : STR("<>")));
}

static struct queue_enqueue
describe(struct intake *t, const struct content *c)
{
	const struct intake_origin *o = &t->origin;

	return (struct queue_enqueue){
	    .envelope =
		{
		    .id = intake_id(t),
		    .sender = t->sender.text,
		    .arrival = t->arrival,
		    .size = content_size(c),
		    .client = o->client.len > 0 ? o->client : STR("local"),
		    .helo = o->helo,
		    .proto = o->proto,
		    .login = o->login,
		    .envid = o->envid,
		    .ret = o->ret,
		    .body_8bit = o->body_8bit || t->has_8bit,
		    .utf8 = o->utf8,
		    .hops = t->repair.hops + 1, /* ours */
		    .is_bounce = o->is_bounce,
		    .hold = t->is_held,
		    .filter = t->filter,
		    .loops = {t->repair.loops, t->repair.nloops},
		    .recipients = {t->final.p, t->final.n},
		},
	    .parent = t->parent,
	};
}

static enum intake_result
take_answer(struct intake *t, const struct queue_queued *q)
{
	t->dsn = arena_str(&t->arena, q->dsn);
	t->text = arena_str(&t->arena, q->text);
	if (q->verdict == QUEUE_OK)
		return INTAKE_QUEUED;
	return q->verdict == QUEUE_REFUSED ? INTAKE_REFUSED : INTAKE_RETRY;
}

/*
 * Asked once.  When no word comes the message may yet be in the queue, and
 * the client, told to try again, may send it twice: never not at all.
 */
static enum intake_result
hand_over(struct intake *t, struct content *c)
{
	struct queue_enqueue e = describe(t, c);
	enum intake_result result;
	struct parcel answer;
	const int *fds;
	size_t nfds;
	int r;

	content_wire_of(c, &e.content, &fds, &nfds);
	r = taker_enqueue(t->taker, t->generation, &e, fds, nfds, &answer,
	    clock_after(INTAKE_TIME));
	if (r == -EMSGSIZE)
		return refuse(t, "4.5.3", "too many recipients");
	if (r < 0) {
		log_warning(
		    "%s: qmgr did not take it: %s", t->id, strerrordesc_np(-r));
		return refuse(t, "4.3.0", "queue file write error");
	}
	result = take_answer(t, answer.value);
	parcel_done(&answer);
	return result;
}

/* SECURITY: a message that runs in a circle ends here at the latest (RFC 5321
 * section 6.3).  Local mail is let in: qmgr returns it to its sender. */
static bool
has_too_many_hops(const struct intake *t)
{
	return t->origin.proto.len > 0 &&
	       t->repair.hops + 1 >
	           (uint64_t)conf_int(t->conf, PARAM_hopcount_limit);
}

static enum intake_result
commit(struct intake *t)
{
	enum intake_result result;
	struct content *c;

	intake_finish(t);
	if (t->is_rejected)
		return t->dsn.p[0] == '5' ? INTAKE_REFUSED : INTAKE_RETRY;
	if (t->is_discarded)
		return INTAKE_QUEUED;
	if (t->error == 0)
		t->error = add_extracted(t);
	if (t->error < 0)
		return refuse_error(t);
	if (has_too_many_hops(t))
		return refuse(t, "5.4.6", "too many hops");
	if (t->given.n == 0)
		return refuse(t, "5.1.0", "No recipient addresses found");
	t->error = add_ordered(t);
	if (t->error < 0)
		return refuse_error(t);
	if (!t->has_id)
		return refuse(t, "4.3.0", "mail queue is not available");
	result = expand(t);
	if (result != INTAKE_QUEUED)
		return result;
	c = content_finish(&t->builder);
	if (c == NULL) {
		t->error = -errno;
		return refuse_error(t);
	}
	log_message_id(t);
	result = hand_over(t, c);
	content_unref(&c);
	return result;
}

enum intake_result
intake_commit(struct intake *t, struct str *ret_dsn, struct str *ret_text)
{
	enum intake_result result = commit(t);

	*ret_dsn = t->dsn;
	*ret_text = t->text;
	return result;
}

bool
intake_is_rejected(const struct intake *t)
{
	return t->is_rejected;
}
