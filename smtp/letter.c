/* SPDX-License-Identifier: ISC */
/* letter - recipients and their outcomes. */
#include "letter.h"

#include "base/log.h"
#include "filters.h"

/* All outcomes go back in one parcel, and half of it is for texts. */
#define TEXTS_MAX (CHAN_PARCEL_MAX / 2)
#define TEXT_MIN  100
#define RELAY_MAX 500
#define BASE_ROOM (1024 * 1024) /* the names of all servers tried */
#define HEAD_MAX                                                               \
	((size_t)8 * 1024 * 1024) /* a header has 1 MiB, and fields            \
	                             put before each of them */

size_t
letter_room(const struct job_deliver *job)
{
	size_t each = sizeof(struct addressee) + sizeof(struct job_outcome) +
	              sizeof(size_t) + 3 * OUTCOME_TEXT_MAX + ADDR_MAX +
	              REPLY_DSN_MAX + 64;

	return BASE_ROOM + job->recipients.n * each;
}

static size_t
find_text_max(size_t n)
{
	size_t max = n == 0 ? OUTCOME_TEXT_MAX : TEXTS_MAX / 2 / n;

	if (max > OUTCOME_TEXT_MAX)
		return OUTCOME_TEXT_MAX;
	return max < TEXT_MIN ? TEXT_MIN : max;
}

void
letter_init(struct letter *l, const struct job_deliver *job,
    struct content *content, struct arena *a)
{
	const struct job_recipient *rows = job->recipients.p;
	size_t n = job->recipients.n;

	*l = (struct letter){
	    .job = job,
	    .content = content,
	    .arena = a,
	    .to = arena_array(a, n, sizeof(*l->to)),
	    .outcomes = arena_array(a, n, sizeof(*l->outcomes)),
	    .scratch = arena_array(a, n, sizeof(*l->scratch)),
	    .n = n,
	    .sender = job->sender,
	    .left = n,
	    .text_max = find_text_max(n),
	    .started = clock_mono(),
	};
	buf_init(&l->head, HEAD_MAX);
	fail_init(&l->why);
	fail_init(&l->word);
	letter_use(l, NULL);
	for (size_t i = 0; i < n; i++) {
		l->to[i] = (struct addressee){.recipient = &rows[i].recipient,
		    .address = rows[i].recipient.address,
		    .is_left = true};
		l->outcomes[i].index = rows[i].index;
	}
}

void
letter_done(struct letter *l)
{
	fail_done(&l->why);
	fail_done(&l->word);
	buf_done(&l->head);
}

size_t
letter_size(const struct letter *l)
{
	return l->job->header.len + l->head.len + content_size(l->content) -
	       l->body_at;
}

/* smtp_generic_maps */
static int
map_envelope(struct letter *l, const struct generic *g)
{
	int e;

	if (generic_is_empty(g))
		return 0;
	e = generic_envelope(g, l->sender, l->arena, &l->sender);
	for (size_t i = 0; i < l->n && e == 0; i++)
		e = generic_envelope(
		    g, l->to[i].address, l->arena, &l->to[i].address);
	return e;
}

int
letter_filter(struct letter *l, const struct filters *filters)
{
	if (filters == NULL)
		return 0;
	l->filters = filters;
	int e = map_envelope(l, &filters->generic);
	if (e != 0 || !filters_change_header(filters))
		return e;
	return filters_header(
	    filters, l->content, l->job->id, &l->head, &l->body_at);
}

void
letter_use(struct letter *l, const struct session *s)
{
	l->relay = STR("none");
	l->remote_mta = STR_NONE;
	l->reports = l->is_final = false;
	l->uses = 0;
	l->connected = 0;
	for (size_t i = 0; i < l->n; i++)
		l->to[i].is_accepted = l->to[i].is_kept = false;
	if (s == NULL)
		return;
	l->relay =
	    arena_str(l->arena, str_sub(buf_str(&s->relay), 0, RELAY_MAX));
	l->remote_mta =
	    arena_str(l->arena, str_sub(buf_str(&s->host), 0, RELAY_MAX));
	l->reports = s->has_dsn;
	l->is_final = s->settings->is_lmtp && s->settings->assume_final;
	l->uses = s->uses + 1;
	l->connected = clock_mono();
}

static struct str
keep_text(struct letter *l, const struct buf *b)
{
	return arena_str(l->arena, str_sub(buf_str(b), 0, l->text_max));
}

static struct outcome
make_outcome(struct letter *l, const struct fail *f, enum outcome_state state)
{
	int64_t now = clock_mono();
	int64_t connected = l->connected > 0 ? l->connected : now;

	return (struct outcome){
	    .state = state,
	    .dsn = arena_str(l->arena, str_c(f->dsn)),
	    .text = keep_text(l, &f->text),
	    .diagnostic = keep_text(l, &f->diagnostic),
	    .relay = l->relay,
	    .remote_mta = l->remote_mta,
	    .conn_use = l->uses,
	    .connect_ns = connected - l->started,
	    .transmit_ns = now - connected,
	};
}

static void
settle(struct letter *l, size_t i, const struct outcome *o)
{
	l->outcomes[i].outcome = *o;
	if (l->filters != NULL && !maps_is_empty(l->filters->statuses) &&
	    o->dsn.len > 0)
		filters_status(l->filters, &l->outcomes[i].outcome, l->job->id,
		    l->text_max, l->arena);
	l->to[i].is_left = false;
	l->left--;
}

static struct outcome
make_success(struct letter *l, const struct reply *r)
{
	fail_quote(&l->word, r);
	struct outcome o = make_outcome(l, &l->word, OUTCOME_SENT);
	o.how = l->reports    ? OUTCOME_PASSED_ON
	        : l->is_final ? OUTCOME_DELIVERED
	                      : OUTCOME_RELAYED;
	return o;
}

void
letter_sent_one(struct letter *l, size_t i, const struct reply *r)
{
	struct outcome o = make_success(l, r);

	settle(l, i, &o);
}

void
letter_sent(struct letter *l, const struct reply *r)
{
	struct outcome o = make_success(l, r);

	for (size_t i = 0; i < l->n; i++)
		if (l->to[i].is_left && l->to[i].is_accepted)
			settle(l, i, &o);
}

static struct outcome
make_failure(struct letter *l)
{
	return make_outcome(l, &l->why,
	    fail_is_hard(&l->why) ? OUTCOME_BOUNCED : OUTCOME_DEFERRED);
}

/* Another server may take it. */
static bool
is_for_now(const struct letter *l)
{
	return !fail_is_hard(&l->why) && !l->is_last;
}

static void
log_why(const struct letter *l)
{
	log_info(
	    "%.*s: %.*s", STR_ARG(l->job->id), STR_ARG(buf_str(&l->why.text)));
}

void
letter_failed(struct letter *l, size_t i)
{
	if (is_for_now(l)) {
		log_why(l);
		l->to[i].is_kept = true;
		return;
	}
	struct outcome o = make_failure(l);
	settle(l, i, &o);
}

void
letter_failed_all(struct letter *l)
{
	if (is_for_now(l)) {
		log_why(l);
		return;
	}
	struct outcome o = make_failure(l);
	for (size_t i = 0; i < l->n; i++)
		if (l->to[i].is_left && !l->to[i].is_kept)
			settle(l, i, &o);
}

void
letter_pass(struct letter *l, struct str place)
{
	const struct outcome none = {.state = OUTCOME_DEFERRED};

	for (size_t i = 0; i < l->n; i++)
		if (l->to[i].is_left) {
			settle(l, i, &none);
			l->outcomes[i].elsewhere = place;
		}
}

void
letter_give_up(struct letter *l)
{
	struct outcome o = make_failure(l);

	for (size_t i = 0; i < l->n; i++)
		if (l->to[i].is_left)
			settle(l, i, &o);
}
