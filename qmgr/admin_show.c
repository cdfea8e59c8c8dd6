/* SPDX-License-Identifier: ISC */
/* admin_show - one message, as it stands in the queue: its envelope, how far
 * its recipients are, its content. */
#include "admin.h"

#include "qmgr.h"

#include <errno.h>
#include <string.h>

static struct rows
show_marks(const struct progress *p, struct arena *a)
{
	struct admin_mark *marks = arena_array(a, p->n + 1, sizeof(*marks));

	for (size_t i = 0; i < p->n; i++) {
		marks[i].done = p->marks[i].done;
		marks[i].attempted = p->marks[i].last != NULL;
		if (p->marks[i].last != NULL)
			marks[i].outcome = *p->marks[i].last;
	}
	return (struct rows){marks, p->n};
}

static void
send_message(struct admin_request *r, const struct message *m,
    const struct store_body *b)
{
	ARENA_CLEANUP struct arena a = {0};
	struct admin_message shown = {
	    .queue = str_c(admin_queue_name(message_queue(m))),
	    .attempts = b->progress.attempts,
	    .next = b->progress.next,
	    .envelope = b->envelope,
	};
	const int *fds;
	size_t nfds;
	int error;

	arena_init(&a, SIZE_MAX / 2); /* an envelope has its bounds */
	shown.marks = show_marks(&b->progress, &a);
	content_wire_of(b->content, &shown.content, &fds, &nfds);
	error = admin_send(r, ADMIN_MESSAGE, &shown, fds, nfds);
	if (error < 0)
		admin_end(
		    r, 0, -error, "it cannot be shown: %s", strerror(-error));
}

/* One that is not active: read, shown, forgotten. */
static int
show_passive(struct admin_request *r, struct message *m)
{
	struct store_body *b = NULL;
	const char *why;
	int error = store_load(r->qmgr->store, &m->item, &b, &why);

	if (error == 0)
		error = store_content(r->qmgr->store, &m->item, b);
	if (error == 0)
		send_message(r, m, b);
	store_body_free(&b);
	return error;
}

void
admin_show(struct admin_request *r)
{
	const struct admin_show *asked = r->parcel.value;
	struct message *m = message_find(r->qmgr, asked->id);
	int error;

	if (m == NULL || m->state == MESSAGE_TAKEN) {
		admin_end(r, 0, ENOENT, "there is no such message");
		return;
	}
	if (m->active != NULL) {
		error = message_content(r->qmgr, m);
		if (error == 0)
			send_message(r, m, m->active->body);
	} else {
		error = show_passive(r, m);
	}
	if (error < 0)
		admin_end(
		    r, 0, -error, "it cannot be read: %s", strerror(-error));
}
