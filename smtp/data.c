/* SPDX-License-Identifier: ISC */
/* data - content on its way, and the last word about it. */
#include "data.h"

#include "body.h"
#include "convert.h"

#include <errno.h>

/* All of the message's bytes, block by block. */
static int
for_all_bytes(struct transaction *t, int (*use)(void *, struct str), void *arg)
{
	struct str block = t->l->job->header;
	size_t at = t->l->body_at;
	int e = use(arg, block);

	if (e == 0)
		e = use(arg, buf_str(&t->l->head));
	while (e == 0) {
		e = content_view(t->l->content, at, &block);
		if (e != 0 || block.len == 0)
			return e;
		block = str_sub(block, 0, STREAM_OUT);
		e = use(arg, block);
		at += block.len;
	}
	return e;
}

/* What the content goes through on its way to the stream. */
struct outflow {
	struct transaction *t;
	struct body body;
	struct convert *convert; /* NULL: the server takes it as it is */
};

static int
survey_block(void *arg, struct str block)
{
	struct outflow *o = arg;

	convert_survey(o->convert, block);
	return 0;
}

static int
write_block(void *arg, struct str block)
{
	struct outflow *o = arg;
	int64_t time = o->t->s->settings->data_block_time;

	stream_deadline(&o->t->s->stream, clock_after(time));
	return o->convert != NULL ? convert_write(o->convert, block)
	                          : body_write(&o->body, block);
}

/* RFC 6152 section 3: 8-bit content is converted for who did not say that he
 * takes it. */
static int
begin_conversion(struct outflow *o)
{
	const struct transaction *t = o->t;

	if (t->s->has_8bit || !t->s->settings->converts ||
	    !t->l->job->body_8bit)
		return 0;
	o->convert = convert_new();
	int e = for_all_bytes(o->t, survey_block, o);
	if (e != 0)
		return e;
	convert_surveyed(o->convert);
	if (convert_is_needed(o->convert))
		convert_begin(o->convert, &o->body);
	else
		convert_free(&o->convert);
	return 0;
}

static int
write_content(struct transaction *t)
{
	struct outflow o = {.t = t};

	body_init(&o.body, &t->s->stream, t->s->settings->line_limit);
	int e = begin_conversion(&o);
	if (e == 0)
		e = for_all_bytes(t, write_block, &o);
	if (e == 0 && o.convert != NULL)
		e = convert_end(o.convert);
	convert_free(&o.convert);
	return e != 0 ? e : body_end(&o.body);
}

static void
take_final_reply(struct transaction *t)
{
	t->s->needs_rset = false;
	if (!reply_is_positive(&t->reply)) {
		fail_said(
		    &t->l->why, &t->reply, t->s->name.p, "end of DATA command");
		letter_failed_all(t->l);
		return;
	}
	letter_sent(t->l, &t->reply);
}

/* RFC 2033 section 4.2: a reply for each recipient that was accepted, in
 * their order.  0 or what broke; who was not answered is left then. */
static int
take_each_reply(struct transaction *t, int64_t time)
{
	int e = 0;

	for (size_t k = 0; k < t->n && e == 0; k++) {
		size_t i = t->rcpts[k];
		if (!t->l->to[i].is_left || !t->l->to[i].is_accepted)
			continue;
		e = session_reply(t->s, &t->reply, time);
		if (e != 0)
			return e;
		if (reply_is_positive(&t->reply)) {
			letter_sent_one(t->l, i, &t->reply);
			continue;
		}
		fail_said(
		    &t->l->why, &t->reply, t->s->name.p, "end of DATA command");
		letter_failed(t->l, i);
		if (t->s->is_dead) /* 421 */
			e = -ECONNRESET;
	}
	t->s->needs_rset = false;
	return e;
}

static void
do_message(struct transaction *t)
{
	static const char end[] =
	    "sending end of data -- message may be sent more than once";
	int64_t time = t->s->settings->data_done_time;
	int e = write_content(t);

	if (e == 0)
		e = stream_flush(&t->s->stream);
	if (e != 0) {
		transaction_broke(t, e, "sending message body");
		return;
	}
	bool is_lmtp = t->s->settings->is_lmtp;
	e = is_lmtp ? take_each_reply(t, time)
	            : session_reply(t->s, &t->reply, time);
	if (e != 0)
		transaction_broke(t, e, end);
	else if (!is_lmtp)
		take_final_reply(t);
}

/* RFC 2920 section 3.1: DATA was taken though no recipient was.  An empty
 * message goes to nobody. */
static void
do_nothing(struct transaction *t)
{
	if (session_send(t->s, STR(".")) == 0)
		session_reply(t->s, &t->reply, t->s->settings->data_done_time);
	t->s->needs_rset = true;
}

void
data_send(struct transaction *t)
{
	/* SECURITY: refused, and then taken after all: whatever the server
	 * makes of that, it is not told where the message ends. */
	if (t->is_over)
		t->s->is_dead = true;
	else if (t->accepted > 0)
		do_message(t);
	else if (t->s->settings->is_lmtp)
		t->s->is_dead = true; /* RFC 2033 section 4.2 forbids it */
	else
		do_nothing(t);
}
