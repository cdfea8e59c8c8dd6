/* SPDX-License-Identifier: ISC */
/* deliver - sorts deliveries by kind.  Owns those that wait. */
#include "deliver.h"

#include "base/clock.h"
#include "base/task.h"
#include "maildir.h"
#include "mbox.h"
#include "work.h"

/*
 * Between two batches for Maildirs: what comes meanwhile shares the barriers
 * of the next.  At full load it saves a tenth of all the suite's CPU, at one
 * client's load a quarter, and the journal waits less for the disk.
 */
#define GATHER (5 * CLOCK_MS)

static struct {
	struct maildir maildir;
	struct mbox mbox;
	struct delivery_list maildirs, mboxes;
	struct loop_call batch; /* all that this turn brought */
	int64_t next_batch;     /* mono; not before */
	bool is_gathering;      /* a task waits for that */
	bool is_writing;        /* a task is at the mailboxes */
} role;

static void
write_now(void)
{
	maildir_deliver(&role.maildir, &role.maildirs);
	clock_update();
	role.next_batch = clock_after(GATHER);
}

static void
write_later(void *arg)
{
	(void)arg;
	task_sleep(role.next_batch);
	role.is_gathering = false;
	write_now();
}

static void
write_batch(void *arg)
{
	(void)arg;
	if (role.is_gathering)
		return;
	if (role.next_batch <= clock_mono()) {
		write_now();
		return;
	}
	role.is_gathering = true;
	task_start(write_later, NULL);
}

/* One mailbox after the other; those for the same one together. */
static void
write_mboxes(void *arg)
{
	(void)arg;
	while (!TAILQ_EMPTY(&role.mboxes))
		mbox_deliver(&role.mbox, &role.mboxes);
	role.is_writing = false;
}

static void
take_mbox(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&role.mboxes, d, next);
	if (!role.is_writing)
		task_start(write_mboxes, NULL);
	role.is_writing = true;
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

void
deliver_run(const struct settings *s, int root_fd, struct str root, int fd)
{
	role.maildir = (struct maildir){
	    .root_fd = root_fd, .root = root, .hostname = s->hostname};
	role.mbox = (struct mbox){root_fd, root, s};
	role.batch = (struct loop_call){.fn = write_batch};
	role.is_writing = role.is_gathering = false;
	role.next_batch = 0;
	TAILQ_INIT(&role.maildirs);
	TAILQ_INIT(&role.mboxes);
	work_run(fd, take);
}
