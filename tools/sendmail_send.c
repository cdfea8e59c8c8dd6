/* SPDX-License-Identifier: ISC */
/*
 * sendmail_send - the way of the message to pickup; and while there is none,
 * or it says 'later', to maildrop/, where it waits durable.  When no answer
 * came the message may be sent twice, but never not at all.
 */
#include "sendmail.h"

#include "base/file.h"
#include "mail/maildrop.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ANSWER_TIME (330 * CLOCK_SEC) /* pickup's own, and some */
#define UP_TIME     10 /* seconds for the suite to come up, without ACLs */

struct sending {
	struct sendmail *sendmail;
	struct content *content;
	int fd;
	int result; /* 0: there was an answer; or -errno */
	int exit_code;
};

static int
connect_pickup(const char *queue_directory)
{
	char *path;
	FD_CLEANUP int dir = -1;

	if (asprintf(&path, "%s/public", queue_directory) < 0)
		return -ENOMEM;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
	return dir < 0 ? -errno : unix_connect(dir, "pickup", SOCK_SEQPACKET);
}

static void
take_answer(struct sending *x, const struct submit_done *done)
{
	x->exit_code = (int)done->exit_code;
	if (x->exit_code != EX_OK && x->exit_code != EX_TEMPFAIL)
		sendmail_fatal(x->exit_code, "%.*s", STR_ARG(done->text));
}

static void
converse(void *arg)
{
	struct sending *x = arg;
	struct submit_message *m = &x->sendmail->message;
	struct chan *c = chan_new(x->fd, &submit_protocol, NULL, NULL);
	struct parcel answer;
	const int *fds;
	size_t nfds;

	content_wire_of(x->content, &m->content, &fds, &nfds);
	x->result = chan_call(
	    c, SUBMIT_MESSAGE, m, fds, nfds, &answer, clock_after(ANSWER_TIME));
	if (x->result == 0) {
		if (answer.kind == SUBMIT_DONE)
			take_answer(x, answer.value);
		else
			x->result = -EPROTO;
		parcel_done(&answer);
	}
	chan_close(&c);
	loop_stop();
}

/* True: pickup has taken it. */
static bool
hand_over(struct sendmail *s, struct content *c, const char *queue_directory)
{
	struct sending x = {s, c, connect_pickup(queue_directory), 0, 0};

	if (x.fd < 0)
		return false;
	task_start(converse, &x);
	loop_run();
	return x.result == 0 && x.exit_code == EX_OK;
}

void
sendmail_send(struct sendmail *s, struct content *c)
{
	const char *queue =
	    arena_cstr(&s->arena, conf_str(s->conf, PARAM_queue_directory));
	char *path;
	int r = -ENOTSUP;

	if (asprintf(&path, "%s/maildrop", queue) < 0)
		sendmail_fatal(EX_OSERR, "out of memory");
	if (loop_init() < 0)
		sendmail_fatal(EX_OSERR, "cannot wait for events");
	for (int i = 0; i <= UP_TIME && r == -ENOTSUP; i++) {
		if (i > 0)
			sleep(1);
		if (hand_over(s, c, queue)) {
			free(path);
			return;
		}
		r = maildrop_put(path, &s->message, c);
	}
	if (r == -ENOENT)
		sendmail_fatal(EX_UNAVAILABLE,
		    "the mail system is down and was never started here: %s",
		    path);
	if (r < 0)
		sendmail_fatal(EX_TEMPFAIL,
		    "the mail system is down, and %s: %s", path, strerror(-r));
	free(path);
}
