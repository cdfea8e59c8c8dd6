/* SPDX-License-Identifier: ISC */
/* admin_take - a message that another queue had, brought by root: it is taken
 * in as any other, and keeps its times. */
#include "admin.h"

#include "qmgr.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

struct taking {
	struct journal_wait wait; /* first */
	struct task_queue told;   /* where the request's task waits */
	int error;
	bool is_over;
};

static void
on_durable(struct journal_wait *w, int error)
{
	struct taking *g = (struct taking *)(void *)w;

	g->error = error;
	g->is_over = true;
	task_wake_all(&g->told);
}

/* Until the record has its end, come what may. */
static int
wait_for(struct taking *g)
{
	while (!g->is_over)
		if (task_wait(&g->told, CLOCK_NEVER) < 0)
			task_yield();
	return g->error;
}

static int
add(struct qmgr *q, struct message *m)
{
	struct taking g = {.wait.done = on_durable};
	int r;

	task_queue_init(&g.told);
	r = store_add(q->store, &m->item, m->active->body, NULL, NULL, &g.wait);
	if (r < 0)
		return r;
	qmgr_poke(q); /* to the disk, at the end of the turn */
	return wait_for(&g);
}

static void
report(const struct message *m, const struct admin_request *r, struct str from)
{
	const struct envelope *e = &m->active->body->envelope;

	log_info_as("pickup", "%s: uid=%u from=<%.*s> orig_id=%.*s", m->item.id,
	    r->uid, STR_ARG(e->sender), STR_ARG(from));
}

int
admin_take_message(struct admin_request *r, const struct envelope *e,
    struct content *content, char ret_id[QID_LEN + 1])
{
	struct envelope taken = *e;
	struct qmgr *q = r->qmgr;
	struct message *m;
	int error;

	if (q->is_draining || q->has_alarm || !qmgr_new_id(q, ret_id))
		return -EAGAIN;
	taken.id = str_c(ret_id);
	m = message_new(q, store_body_new(&taken, content));
	error = add(q, m);
	if (error < 0) {
		message_drop(q, m);
		return error;
	}
	report(m, r, e->id);
	message_taken(q, m);
	qmgr_poke(q);
	return 0;
}

static int
take(struct admin_request *r, char ret_id[QID_LEN + 1])
{
	const struct admin_take *t = r->parcel.value;
	struct content *content = NULL;
	int error;

	if (t->envelope.recipients.n == 0)
		return -EINVAL;
	if (message_find(r->qmgr, t->envelope.id) != NULL)
		return -EEXIST;
	error = content_receive(&t->content, &r->parcel, &content);
	if (error < 0)
		return error;
	error = admin_take_message(r, &t->envelope, content, ret_id);
	content_unref(&content);
	return error;
}

void
admin_take(struct admin_request *r)
{
	char id[QID_LEN + 1];
	struct admin_taken taken;
	int error = take(r, id);

	taken.id = error == 0 ? str_c(id) : STR_NONE;
	if (error == 0)
		admin_send(r, ADMIN_TAKEN, &taken, NULL, 0);
	else if (error == -EEXIST)
		admin_end(r, 0, EEXIST, "this queue has it already");
	else if (error == -ENOSPC)
		admin_end(r, 0, ENOSPC, "the queue is full");
	else
		admin_end(r, 0, -error, "not taken now: %s", strerror(-error));
}
