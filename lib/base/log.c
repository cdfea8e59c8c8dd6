/* SPDX-License-Identifier: ISC */
/*
 * log - lines for the administrator, without ever waiting for the target.
 * Owns the target's descriptor and the ring of lines that it did not take:
 * with the clock, the only state of a process that is not passed along.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/task.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define BATCH      64          /* lines a system call */
#define GATHER_MAX (64 * 1024) /* bytes that wait for the end of a turn */
#define HEAD_MAX   512         /* date, host, name and process */

static void flush_at_turn_end(void *arg);

static struct {
	enum log_target target;
	int fd;
	int facility;
	char program[64];
	char name[64]; /* syslog_name; empty: tools */
	char host[256];
	pid_t pid;
	bool is_socket; /* of a stream */
	bool is_pipe;   /* or a terminal */
	bool may_wait;  /* such one, whose flags are not ours to set */
	bool is_lost;
	bool gathers; /* lines wait for the end of the loop's turn */
	struct loop_call turn_end;
	/* The date of the last line, which most often is that of the next. */
	time_t date_at;
	char date[32];
	/* Lines not yet taken, each with its length (2 bytes) in front. */
	struct buf ring;
	size_t dropped;
} out = {.fd = STDERR_FILENO,
    .facility = LOG_MAIL,
    .turn_end = {.fn = flush_at_turn_end},
    .program = "valija",
    .ring = {.p = (char[1]){""}, .max = LOG_RING}};

static void
set_name(char *to, size_t size, struct str s)
{
	size_t n = s.len < size - 1 ? s.len : size - 1;

	memcpy(to, s.p, n);
	to[n] = '\0';
}

void
log_init(const char *program)
{
	set_name(out.program, sizeof(out.program), str_c(program));
}

void
log_name(struct str syslog_name)
{
	set_name(out.name, sizeof(out.name), syslog_name);
}

void
log_host(struct str hostname)
{
	set_name(out.host, sizeof(out.host), hostname);
}

void
log_facility(int facility)
{
	out.facility = facility;
}

static void
know_kind(void)
{
	struct stat st = {0};

	if (out.target == LOG_TARGET_FILE)
		(void)fstat(out.fd, &st);
	out.is_socket = S_ISSOCK(st.st_mode);
	out.is_pipe = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode);
	out.may_wait =
	    out.is_pipe && (fcntl(out.fd, F_GETFL) & O_NONBLOCK) == 0;
}

void
log_open(enum log_target target, int fd)
{
	if (out.fd > STDERR_FILENO)
		close(out.fd);
	out.target = target;
	out.fd = fd;
	out.is_lost = false;
	know_kind();
	if (fd > STDERR_FILENO)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	log_flush();
}

bool
log_lost(void)
{
	return out.is_lost;
}

/* SECURITY: one call is one line, whatever came from outside. */
static void
make_printable(char *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)p[i];
		size_t n = 1;

		if (c >= 0x80)
			n = str_shown_len((struct str){p + i, len - i});
		if (n == 0 || (c < 0x20 && c != '\t') || c == 0x7f) {
			p[i] = '?';
			n = 1;
		}
		i += n;
	}
}

/* One more line at the end of a batch, where it lies in the ring. */
static size_t
next_line(size_t at, struct iovec *ret)
{
	uint16_t len;

	memcpy(&len, out.ring.p + at, sizeof(len));
	*ret = (struct iovec){out.ring.p + at + sizeof(len), len};
	return at + sizeof(len) + len;
}

static int
error_of(int error)
{
	if (error == EAGAIN || error == EINTR || error == ENOBUFS)
		return -EAGAIN;
	return -error;
}

static int
send_lines(struct iovec *lines, size_t n)
{
	struct mmsghdr m[BATCH];
	size_t gone = 0;
	int sent;

	for (size_t i = 0; i < n; i++)
		m[i] = (struct mmsghdr){
		    .msg_hdr = {.msg_iov = &lines[i], .msg_iovlen = 1}};
	sent = sendmmsg(out.fd, m, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return error_of(errno);
	for (int i = 0; i < sent; i++)
		gone += sizeof(uint16_t) + lines[i].iov_len;
	buf_drop(&out.ring, gone);
	return 0;
}

/* Take `n` bytes of lines off the ring; of one that was written in part the
 * rest stays, with its length in front of it. */
static void
drop_bytes(size_t n)
{
	struct iovec line = {NULL, 0};
	size_t at = 0, next;
	uint16_t rest;

	while (n > 0) {
		next = next_line(at, &line);
		if (n < line.iov_len)
			break;
		n -= line.iov_len;
		at = next;
	}
	if (n > 0) {
		rest = (uint16_t)(line.iov_len - n);
		at += n;
		memcpy(out.ring.p + at, &rest, sizeof(rest));
	}
	buf_drop(&out.ring, at);
}

static bool
has_room(void)
{
	struct pollfd p = {.fd = out.fd, .events = POLLOUT};

	return poll(&p, 1, 0) != 0;
}

static int
write_lines(struct iovec *lines, size_t n)
{
	struct msghdr m = {.msg_iov = lines, .msg_iovlen = n};
	ssize_t w;

	if (out.may_wait && !has_room())
		return -EAGAIN;
	w = out.is_socket ? sendmsg(out.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL)
	                  : writev(out.fd, lines, (int)n);
	if (w < 0)
		return error_of(errno);
	drop_bytes((size_t)w);
	return 0;
}

/* A batch off the front of the ring.  0, -EAGAIN (later), or another -errno
 * (this target is gone). */
static int
put_batch(void)
{
	struct iovec lines[BATCH];
	size_t at = 0, n = 0;

	if (out.fd < 0)
		return -EBADF;
	while (at < out.ring.len && n < BATCH) {
		size_t next = next_line(at, &lines[n]);

		/* A pipe takes so much whole or not at all: no line of ours
		 * is torn by another program's. */
		if (out.is_pipe && n > 0 && next > PIPE_BUF)
			break;
		at = next;
		n++;
	}
	if (out.target == LOG_TARGET_SYSLOG)
		return send_lines(lines, n);
	return write_lines(lines, n);
}

static void
keep_line(const char *p, size_t n)
{
	uint16_t len = (uint16_t)n;

	if (out.ring.max - out.ring.len < n + sizeof(len)) {
		out.dropped++;
		return;
	}
	buf_add(&out.ring, &len, sizeof(len));
	buf_add(&out.ring, p, n);
}

static const char *
date_now(void)
{
	time_t now = (time_t)(clock_wall() / CLOCK_SEC);
	struct tm tm;

	if (now != out.date_at || out.date[0] == '\0') {
		localtime_r(&now, &tm);
		strftime(out.date, sizeof(out.date), "%b %e %H:%M:%S", &tm);
		out.date_at = now;
	}
	return out.date;
}

/* What a call printed, of what it would have printed. */
static size_t
printed(int n, size_t size)
{
	return (size_t)n < size ? (size_t)n : size - 1;
}

/* What stands in front of the body. */
static size_t
put_head(char *line, size_t size, int severity, const char *program)
{
	bool is_whole = out.name[0] == '\0' || strchr(program, '/') != NULL;
	const char *name = is_whole ? "" : out.name;
	const char *slash = is_whole ? "" : "/";
	int n;

	if (out.target == LOG_TARGET_STDERR)
		n = snprintf(line, size, "%s: ", out.program);
	else if (out.target == LOG_TARGET_SYSLOG)
		n = snprintf(line, size,
		    "<%d>%s %s%s%s[%d]: ", out.facility | severity, date_now(),
		    name, slash, program, (int)out.pid);
	else
		n = snprintf(line, size, "%s %s %s%s%s[%d]: ", date_now(),
		    out.host, name, slash, program, (int)out.pid);
	return printed(n, size);
}

/* A child has its parent's lines in its memory, and they are not its own. */
static void
forget_parent(void)
{
	out.pid = getpid();
	out.turn_end.is_due = false;
	out.gathers = false;
	buf_reset(&out.ring);
}

static void
know_pid(void)
{
	if (out.pid != 0)
		return;
	pthread_atfork(NULL, NULL, forget_parent);
	out.pid = getpid();
}

void
log_gather(void)
{
	out.gathers = true;
}

static void
flush_at_turn_end(void *arg)
{
	(void)arg;
	log_flush();
}

void
log_flush(void)
{
	int r = 0;

	while (r == 0 && out.ring.len > 0)
		r = put_batch();
	if (r < 0 && r != -EAGAIN)
		out.is_lost = true;
	if (out.ring.len == 0 && out.dropped > 0) {
		size_t dropped = out.dropped;

		out.dropped = 0;
		log_warning("%zu log lines were lost", dropped);
	}
}

static void format_line(int severity, const char *program, const char *level,
    const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void
format_line(int severity, const char *program, const char *level,
    const char *fmt, va_list ap)
{
	char line[HEAD_MAX + LOG_LINE_MAX + 1], *body;
	size_t n;

	know_pid();
	body = line + put_head(line, HEAD_MAX, severity, program);
	n = strlcpy(body, level, LOG_LINE_MAX);
	n += printed(
	    vsnprintf(body + n, LOG_LINE_MAX - n, fmt, ap), LOG_LINE_MAX - n);
	make_printable(body, n);
	if (out.target != LOG_TARGET_SYSLOG)
		body[n++] = '\n';
	keep_line(line, (size_t)(body - line) + n);
	if (out.gathers && out.ring.len < GATHER_MAX)
		loop_at_turn_end(&out.turn_end);
	else
		log_flush();
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(LOG_INFO, out.program, "", fmt, ap);
	va_end(ap);
}

void
log_info_as(const char *program, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(LOG_INFO, program, "", fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(LOG_WARNING, out.program, "warning: ", fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(LOG_ERR, out.program, "error: ", fmt, ap);
	va_end(ap);
}

void
log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(LOG_CRIT, out.program, "fatal: ", fmt, ap);
	va_end(ap);
	log_flush();
	exit(1);
}
