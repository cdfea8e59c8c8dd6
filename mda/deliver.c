/* SPDX-License-Identifier: ISC */
/* deliver - sorts deliveries by kind.  Owns those that wait. */
#include "deliver.h"

#include "base/task.h"
#include "maildir.h"
#include "mbox.h"
#include "work.h"

/* While one waits to be durable the next is written. */
#define BATCHES 2

static struct {
	struct maildir maildir;
	struct mbox mbox;
	struct delivery_list maildirs, mboxes;
	struct loop_call batch; /* all that this turn brought */
	unsigned batches;       /* tasks at the Maildirs */
	struct task *writer;    /* at the mailboxes, or NULL */
} role;

static void
write_batches(void *arg)
{
	(void)arg;
	maildir_deliver(&role.maildir, &role.maildirs);
	role.batches--;
}

static void
start_batch(void *arg)
{
	(void)arg;
	if (role.batches == BATCHES)
		return;
	role.batches++;
	task_start(write_batches, NULL);
}

/* Has who asked left meanwhile?  The kernel is asked after this turn, and who
 * is woken by that runs in the next. */
static void
listen_for_leave(void)
{
	task_yield();
	task_yield();
}

/* One mailbox after the other; those for the same one together. */
static void
write_mboxes(void *arg)
{
	(void)arg;
	while (!TAILQ_EMPTY(&role.mboxes)) {
		mbox_deliver(&role.mbox, &role.mboxes);
		if (!TAILQ_EMPTY(&role.mboxes))
			listen_for_leave();
	}
	role.writer = NULL;
}

static void
take_mbox(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&role.mboxes, d, next);
	if (role.writer == NULL)
		role.writer = task_start(write_mboxes, NULL);
}

static void
take(struct delivery *d)
{
	enum action_kind kind = (enum action_kind)d->action->kind;

	if (role.maildir.root_fd < 0) {
		delivery_errno(d, role.maildir.root_fd, "cannot open %.*s",
		    STR_ARG(role.maildir.root));
		return;
	}
	switch (kind) {
	case ACTION_MAILDIR:
		TAILQ_INSERT_TAIL(&role.maildirs, d, next);
		loop_at_turn_end(&role.batch);
		return;
	case ACTION_MBOX:
	case ACTION_FILE:
		take_mbox(d);
		return;
	case ACTION_NONE:
	case ACTION_COMMAND:
	case ACTION_EXPANDED:
		break;
	}
	delivery_failed(d, "4.3.5", "this is no file to be written");
}

/* A message that is appended again is there twice; a Maildir's finds itself. */
static void
leave(void)
{
	delivery_drop(&role.mboxes);
	if (role.writer != NULL)
		task_cancel(role.writer);
}

void
deliver_run(const struct settings *s, int root_fd, struct str root, int fd,
    int flusher_fd)
{
	role.maildir = (struct maildir){
	    .root_fd = root_fd, .root = root, .hostname = s->hostname};
	role.mbox = (struct mbox){root_fd, root, s};
	flush_init(&role.maildir.flush, flusher_fd);
	role.batch = (struct loop_call){.fn = start_batch};
	role.batches = 0;
	role.writer = NULL;
	TAILQ_INIT(&role.maildirs);
	TAILQ_INIT(&role.mboxes);
	work_run(fd, take, leave);
	maildir_done(&role.maildir);
}
