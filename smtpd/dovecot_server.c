/* SPDX-License-Identifier: ISC */
/* dovecot_server - one connection to an authentication server, in a task. */
#include "dovecot_server.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_TIME  (10 * CLOCK_SEC)
#define GREETING_LINES 1000
#define PAUSE          CLOCK_SEC /* between tries to reach it */
#define LINE_ARENA     (3 * DOVECOT_LINE_MAX)

/* ---- sending ---- */

void
dovecot_hang_up(struct dovecot *d)
{
	/* The task that listens hears the end and does the rest. */
	if (d->is_open)
		(void)shutdown(d->stream.io.fd, SHUT_RDWR);
	d->is_open = false;
}

int
dovecot_send(struct dovecot *d, struct str line, int64_t deadline)
{
	int r = 0;

	while (r == 0 && d->is_open && d->is_writing)
		r = task_wait(&d->writing, deadline);
	if (r < 0)
		return r;
	if (!d->is_open)
		return -ECONNRESET;
	d->is_writing = true;
	r = io_write_all(&d->stream.io, line.p, line.len, deadline);
	d->is_writing = false;
	if (r < 0)
		dovecot_hang_up(d); /* half a line may be out */
	task_wake_all(&d->writing);
	return r;
}

/* ---- hearing ---- */

/* What came of one that waits, or used to. */
static void
answer(struct dovecot *d, const struct dovecot_line *l)
{
	struct dovecot_try *t;

	LIST_FOREACH (t, &d->tries, next)
		if (t->id == l->id)
			break;
	if (t == NULL || t->is_answered)
		return;
	t->is_answered = true;
	t->answer = l->kind == DOVECOT_OK     ? DOVECOT_YES
	            : l->kind == DOVECOT_CONT ? DOVECOT_MORE
	            : l->is_temporary         ? DOVECOT_RETRY
	                                      : DOVECOT_NO;
	buf_reset(&t->text);
	buf_add_str(
	    &t->text, l->kind == DOVECOT_CONT ? l->challenge : l->reason);
	buf_add_str(&t->user, l->user);
	task_wake_all(&t->waiting);
}

static int
hear(struct dovecot *d, struct arena *a, struct dovecot_line *ret)
{
	struct str line;
	bool crlf;
	int r = stream_read_line(&d->stream, DOVECOT_LINE_MAX, &line, &crlf);

	if (r < 0)
		return r;
	d->heard = clock_mono();
	arena_reset(a);
	return dovecot_parse_line(line, a, ret);
}

static void
add_mechanism(struct dovecot *d, size_t i, const struct dovecot_line *l)
{
	struct dovecot_mechanism *m = &d->mechanisms[i];

	memcpy(m->name, l->mechanism.p, l->mechanism.len);
	m->name[l->mechanism.len] = '\0';
	m->properties = l->properties;
	d->nmechanisms = i + 1;
}

/* From VERSION, which comes first, to DONE. */
static int
hear_greeting(struct dovecot *d, struct arena *a)
{
	struct dovecot_line l;
	size_t n = 0;

	for (unsigned lines = 0; lines < GREETING_LINES; lines++) {
		int r = hear(d, a, &l);

		if (r < 0)
			return r;
		if ((l.kind == DOVECOT_VERSION) != (lines == 0))
			return -EBADMSG;
		if (l.kind == DOVECOT_VERSION && l.major != 1)
			return -EPROTONOSUPPORT;
		if (l.kind == DOVECOT_MECH && n < DOVECOT_MECHANISMS_MAX)
			add_mechanism(d, n++, &l);
		if (l.kind == DOVECOT_DONE)
			return n > 0 ? 0 : -EBADMSG;
	}
	return -EBADMSG;
}

static int
greet(struct dovecot *d, struct arena *a)
{
	int r;

	stream_deadline(&d->stream, clock_after(GREETING_TIME));
	r = stream_writef(
	    &d->stream, "VERSION\t1\t1\nCPID\t%u\n", (unsigned)getpid());
	if (r == 0)
		r = stream_flush(&d->stream);
	return r < 0 ? r : hear_greeting(d, a);
}

/* As long as it goes well. */
static int
listen_to(struct dovecot *d, struct arena *a)
{
	struct dovecot_line l;
	int r;

	stream_deadline(&d->stream, CLOCK_NEVER);
	for (;;) {
		if (LIST_EMPTY(&d->tries))
			stream_idle(&d->stream);
		r = hear(d, a, &l);
		if (r < 0)
			return r;
		if (l.kind == DOVECOT_OK || l.kind == DOVECOT_CONT ||
		    l.kind == DOVECOT_FAIL)
			answer(d, &l);
	}
}

static void
lose_tries(struct dovecot *d)
{
	struct dovecot_try *t;

	while ((t = LIST_FIRST(&d->tries)) != NULL) {
		LIST_REMOVE(t, next);
		t->is_open = false;
		t->is_lost = !t->is_answered;
		task_wake_all(&t->waiting);
	}
}

static int
run_connection(struct dovecot *d, struct arena *a)
{
	int fd, r;

	fd = d->endpoint.len > 0
	         ? serve_connect(d->sv, d->endpoint, clock_after(GREETING_TIME))
	         : serve_link(d->sv, "auth", clock_after(GREETING_TIME));
	if (fd < 0)
		return fd;
	r = stream_init(&d->stream, fd);
	if (r < 0) {
		close(fd);
		d->stream.io.fd = -1;
		return r;
	}
	r = d->is_freed ? -ECANCELED : greet(d, a);
	if (r == 0 && !d->is_freed) {
		d->is_open = d->did_open = true;
		task_wake_all(&d->opening);
		r = listen_to(d, a);
	}
	d->is_open = false;
	lose_tries(d);
	stream_done(&d->stream);
	return r;
}

static const char *
name_of(const struct dovecot *d)
{
	return d->endpoint.len > 0 ? d->endpoint.p : "auth";
}

static void
say_end(const struct dovecot *d)
{
	if (d->error == -EBADMSG || d->error == -EMSGSIZE)
		log_warning("SASL: %s says what is not understood: "
			    "disconnected",
		    name_of(d));
	else if (d->error == -EPROTONOSUPPORT)
		log_warning("SASL: %s speaks another version of the Dovecot "
			    "authentication protocol than 1",
		    name_of(d));
	else if (!d->did_open)
		log_warning("SASL: Connect to %s failed: %s", name_of(d),
		    strerrordesc_np(-d->error));
}

static void
free_server(struct dovecot *d)
{
	match_free(&d->filter);
	arena_done(&d->arena);
	free(d);
}

/* The task: from the first word to the last. */
static void
converse(void *arg)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dovecot *d = arg;

	arena_init(&a, LINE_ARENA);
	d->error = run_connection(d, &a);
	while (d->is_writing) /* who was at it sees that it is over */
		task_yield();
	d->is_running = false;
	if (d->is_freed) {
		free_server(d);
		return;
	}
	say_end(d);
	/* A server that was restarted is there at once; others wait. */
	d->again =
	    d->did_open && d->error == -ECONNRESET ? 0 : clock_after(PAUSE);
	task_wake_all(&d->opening);
	task_wake_all(&d->writing);
}

int
dovecot_open(struct dovecot *d, int64_t deadline)
{
	int r = 0;

	/* One that comes to its end is no connection any more. */
	while (r == 0 && d->is_running && d->did_open && !d->is_open)
		r = task_wait(&d->opening, deadline);
	if (r < 0)
		return r;
	if (!d->is_running && clock_mono() < d->again)
		return d->error;
	if (!d->is_running) {
		d->is_running = true;
		d->did_open = false;
		task_start(converse, d);
	}
	while (r == 0 && d->is_running && !d->is_open)
		r = task_wait(&d->opening, deadline);
	return r < 0 ? r : d->is_open ? 0 : d->error;
}

void
dovecot_free(struct dovecot **dp)
{
	struct dovecot *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	if (!d->is_running) {
		free_server(d);
		return;
	}
	d->is_freed = true;
	d->is_open = false;
	if (d->stream.io.fd >= 0)
		(void)shutdown(d->stream.io.fd, SHUT_RDWR);
}
