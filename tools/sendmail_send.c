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
	struct submit_done done;
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
			shape_copy(submit_protocol.shapes[SUBMIT_DONE],
			    answer.value, &x->sendmail->arena, &x->done);
		else
			x->result = -EPROTO;
		parcel_done(&answer);
	}
	chan_close(&c);
	loop_stop();
}

/* True: pickup has taken it, or never will. */
static bool
hand_over(struct sendmail *s, struct content *c, const char *queue_directory,
    struct submit_done *ret)
{
	struct sending x = {
	    .sendmail = s, .content = c, .fd = connect_pickup(queue_directory)};

	if (x.fd < 0)
		return false;
	task_start(converse, &x);
	loop_run();
	*ret = x.done;
	return x.result == 0 && x.done.exit_code != EX_TEMPFAIL;
}

static struct submit_done
say_left(struct sendmail *s, const char *path, int result)
{
	struct submit_done done = {EX_OK, STR_NONE, STR_NONE};

	if (result == -ENOENT) {
		done.exit_code = EX_UNAVAILABLE;
		done.text = arena_strf(&s->arena,
		    "the mail system is down and was never started here: %s",
		    path);
	} else if (result < 0) {
		done.exit_code = EX_TEMPFAIL;
		done.text =
		    arena_strf(&s->arena, "the mail system is down, and %s: %s",
			path, strerror(-result));
	}
	return done;
}

struct submit_done
sendmail_send(struct sendmail *s, struct content *c)
{
	struct arena *a = &s->arena;
	struct str queue = conf_str(s->conf, PARAM_queue_directory);
	const char *path =
	    arena_cstr(a, arena_join(a, queue, STR("/maildrop")));
	struct submit_done done;
	int r = -ENOTSUP;

	if (loop_init() < 0)
		sendmail_fatal(EX_OSERR, "cannot wait for events");
	for (int i = 0; i <= UP_TIME && r == -ENOTSUP; i++) {
		if (i > 0)
			sleep(1);
		if (hand_over(s, c, arena_cstr(a, queue), &done))
			return done;
		r = maildrop_put(path, &s->message, c);
	}
	return say_left(s, path, r);
}
