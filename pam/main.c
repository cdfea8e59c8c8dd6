/* SPDX-License-Identifier: ISC */
/*
 * pam - asks PAM about passwords of users of the system, for auth: modules
 * block, open files and sockets of their own, and need what auth must not
 * have.  A child for each question.
 */
#include "question.h"

#include "base/forked.h"
#include "base/log.h"
#include "base/serve.h"
#include "mail/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE       8
#define WAITING_MAX   200
#define HEAR_TIME     (5 * CLOCK_SEC)
#define SAY_TIME      (5 * CLOCK_SEC)
#define QUESTION_TIME (25 * CLOCK_SEC) /* a module's, then it is killed */

static const struct sandbox sandbox = {
    .calls = SANDBOX_NSS | SANDBOX_FORK,
    .chroot = false, /* modules open what they like */
    .limits = {.descriptors = 512},
};

static struct {
	uid_t min_uid;
	unsigned running, all;
	struct task_queue free;
	struct serve *leaving; /* drained: with the last question */
} desk = {.free = TASK_QUEUE_INIT(desk.free)};

struct visit {
	struct io io;
	struct buf text; /* secret */
};

static uint8_t
compute(void *arg)
{
	return (uint8_t)question_ask(arg);
}

/* All of it has come when the third NUL has. */
static bool
hear(struct visit *v, struct question *ret)
{
	int64_t deadline = clock_after(HEAR_TIME);
	ssize_t n = 1;

	while (n > 0 && v->text.len < PAM_QUESTION_MAX) {
		size_t room = PAM_QUESTION_MAX - v->text.len;

		if (question_parse(buf_str(&v->text), ret))
			return true;
		n = io_read(&v->io, buf_room(&v->text, room), room, deadline);
		if (n > 0)
			buf_grew(&v->text, (size_t)n);
	}
	return question_parse(buf_str(&v->text), ret);
}

static int
take_place(void)
{
	int64_t deadline = clock_after(QUESTION_TIME);
	int r = 0;

	while (r == 0 && desk.running >= AT_ONCE)
		r = task_wait(&desk.free, deadline);
	if (r == 0)
		desk.running++;
	return r;
}

static uint8_t
answer(struct question *q)
{
	int r = take_place();

	if (r < 0)
		return PAM_RETRY;
	q->min_uid = desk.min_uid;
	r = forked_run(compute, q, clock_after(QUESTION_TIME));
	desk.running--;
	task_wake_one(&desk.free);
	if (r < 0)
		log_warning("PAM does not answer: %s", strerror(-r));
	return r < 0 ? PAM_RETRY : (uint8_t)r;
}

static void
serve_one(void *arg)
{
	struct visit *v = arg;
	struct question q;
	uint8_t byte;

	if (hear(v, &q)) {
		byte = answer(&q);
		(void)io_write_all(&v->io, &byte, 1, clock_after(SAY_TIME));
	}
	io_done(&v->io);
	buf_done(&v->text);
	free(v);
	if (--desk.all == 0 && desk.leaving != NULL)
		serve_exit(desk.leaving, 0);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));

	(void)sv;
	(void)client;
	if (v == NULL)
		log_fatal("out of memory for a question");
	if (desk.all >= WAITING_MAX || io_init(&v->io, fd) < 0) {
		close(fd);
		free(v);
		return;
	}
	desk.all++;
	buf_init_secret(&v->text, PAM_QUESTION_MAX);
	task_start(serve_one, v);
}

static int
start(struct serve *sv)
{
	struct conf *c = conf_decode(serve_config(sv));

	if (c == NULL)
		return -EINVAL;
	desk.min_uid = (uid_t)conf_int(c, PARAM_auth_pam_minimum_uid);
	conf_free(&c);
	return 0;
}

static void
drain(struct serve *sv)
{
	desk.leaving = sv;
	if (desk.all == 0 || serve_is_urgent(sv))
		serve_exit(sv, 0);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "pam",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
