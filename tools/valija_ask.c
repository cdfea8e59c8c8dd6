/* SPDX-License-Identifier: ISC */
/* valija_ask - `status`, `reload`, `stop`, tables: what is asked of master. */
#include "valija.h"

#include "base/file.h"
#include "base/log.h"
#include "base/task.h"
#include "mail/proto/report.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXCHANGE  1
#define STOP_TIME 90 /* seconds */

struct asking {
	const struct valija *valija;
	enum report_kind kind;
	int result;     /* exit code */
	bool is_headed; /* the table's head is printed */
};

static void
print_process(struct asking *a, const struct report_process *p)
{
	static const char *const states[] = {
	    [REPORT_STARTING] = "starting",
	    [REPORT_READY] = "ready",
	    [REPORT_LEAVING] = "leaving",
	};
	const struct passwd *pw = getpwuid((uid_t)p->uid);
	char uid[16];

	if (!a->is_headed)
		printf("%-8s %-20s %8s %-14s %4s %-8s %8s  %s\n", "PROGRAM",
		    "SERVICE", "PID", "USER", "GEN", "STATE", "SECONDS", "");
	a->is_headed = true;
	snprintf(uid, sizeof(uid), "%u", (unsigned)p->uid);
	printf("%-8.*s %-20.*s %8llu %-14s %4llu %-8s %8llu  %.*s\n",
	    STR_ARG(p->program), STR_ARG(p->service),
	    (unsigned long long)p->pid, pw != NULL ? pw->pw_name : uid,
	    (unsigned long long)p->generation, states[p->state],
	    (unsigned long long)p->seconds, STR_ARG(p->text));
}

static void
print_remark(const struct report_remark *r)
{
	struct conf_remark remark = {
	    .severity = (enum conf_severity)r->severity,
	    .file = r->file,
	    .line = (unsigned)r->line,
	    .text = r->text,
	};

	if (remark.severity != CONF_NOTE)
		valija_print_remark(stderr, &remark);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct asking *a = arg;
	const struct report_note *note = p->value;
	const struct report_done *done = p->value;

	(void)c;
	switch (p->kind) {
	case REPORT_PROCESS:
		print_process(a, p->value);
		return;
	case REPORT_NOTE:
		printf("note: %.*s\n", STR_ARG(note->text));
		return;
	case REPORT_REMARK:
		print_remark(p->value);
		return;
	case REPORT_DONE:
		a->result = done->error == 0 ? 0 : 1;
		loop_stop();
		return;
	}
}

static void
take_end(struct chan *c, const char *why, void *arg)
{
	struct asking *a = arg;

	(void)c;
	if (*why != '\0')
		fprintf(stderr, "valija: error: master: %s\n", why);
	/* That is how a stop ends. */
	if (a->kind == REPORT_STOP)
		a->result = 0;
	loop_stop();
}

static int
connect_master(const struct valija *v)
{
	FD_CLEANUP int dir =
	    openat(v->queue_fd, "private", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : unix_connect(dir, "master", SOCK_SEQPACKET);
}

static int
ask(const struct valija *v, enum report_kind kind)
{
	static const struct chan_events events = {take_parcel, take_end};
	struct asking a = {.valija = v, .kind = kind, .result = 1};
	struct report_ask value = {0};
	struct chan *c;
	int fd = connect_master(v);

	if (fd < 0) {
		fprintf(stderr, "valija: error: cannot ask master: %s\n",
		    strerror(-fd));
		return 1;
	}
	if (loop_init() < 0)
		log_fatal("event loop: %s", strerror(errno));
	c = chan_new(fd, &report_protocol, &events, &a);
	chan_send(c, kind, EXCHANGE, &value, NULL, 0);
	loop_run();
	return a.result;
}

int
valija_tell_tables(const struct valija *v)
{
	return valija_master(v) == 0 ? 0 : ask(v, REPORT_TABLES);
}

static pid_t
need_master(const struct valija *v)
{
	pid_t pid = valija_master(v);

	if (pid == 0)
		valija_fatal(v, "the Postfix mail system is not running");
	return pid;
}

int
valija_status(struct valija *v)
{
	char text[64];
	pid_t pid = valija_master(v);

	if (pid == 0) {
		valija_say(v, "the Postfix mail system is not running");
		return 1;
	}
	snprintf(text, sizeof(text),
	    "the Postfix mail system is running: PID: %d", (int)pid);
	valija_say(v, text);
	return ask(v, REPORT_STATUS);
}

int
valija_reload(struct valija *v)
{
	if (need_master(v) == 0)
		return 1;
	valija_say(v, "refreshing the Postfix mail system");
	return ask(v, REPORT_RELOAD);
}

int
valija_stop(struct valija *v)
{
	static const struct timespec tick = {.tv_nsec = 20 * 1000 * 1000};
	pid_t pid = need_master(v);
	time_t end = time(NULL) + STOP_TIME;

	if (pid == 0)
		return 1;
	valija_say(v, "stopping the Postfix mail system");
	if (ask(v, REPORT_STOP) != 0 && kill(pid, SIGTERM) < 0)
		return 1;
	while (valija_master(v) == pid) {
		if (time(NULL) > end) {
			valija_fatal(
			    v, "the Postfix mail system does not stop");
			return 1;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}
