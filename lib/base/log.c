/* SPDX-License-Identifier: ISC */
/*
 * log - lines for the administrator, without ever waiting for the target.
 * Owns the target's descriptor and the ring of lines that it did not take:
 * with the clock, the only state of a process that is not passed along.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct {
	enum log_target target;
	int fd;
	int facility;
	char program[64];
	char name[64]; /* syslog_name; empty: tools */
	char host[256];
	bool is_lost;
	/* Lines not yet taken, each with its length (2 bytes) in front. */
	struct buf ring;
	size_t dropped;
} out = {.fd = STDERR_FILENO,
    .facility = LOG_MAIL,
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

void
log_open(enum log_target target, int fd)
{
	if (out.fd > STDERR_FILENO)
		close(out.fd);
	out.target = target;
	out.fd = fd;
	out.is_lost = false;
	if (fd > STDERR_FILENO)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	log_flush();
}

bool
log_lost(void)
{
	return out.is_lost;
}

/* The length of the UTF-8 sequence at the front of `s`; 0: not one. */
static size_t
utf8_length(struct str s)
{
	unsigned char lead = (unsigned char)s.p[0];
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

	if (lead < 0xc2 || lead > 0xf4 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* SECURITY: one call is one line, whatever came from outside. */
static void
make_printable(char *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)p[i];
		size_t n = 1;

		if (c >= 0x80)
			n = utf8_length((struct str){p + i, len - i});
		if (n == 0 || (c < 0x20 && c != '\t') || c == 0x7f) {
			p[i] = '?';
			n = 1;
		}
		i += n;
	}
}

/* 0, -EAGAIN (later), or another -errno (this target is gone). */
static int
put_line(const char *p, size_t n)
{
	ssize_t w;

	if (out.fd < 0)
		return -EBADF;
	if (out.target == LOG_TARGET_SYSLOG)
		w = send(out.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		w = write(out.fd, p, n);
	if (w >= 0)
		return 0;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return -EAGAIN;
	return -errno;
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

/* Both framings end in the tag and the body; only files have a LF. */
static size_t
frame_line(
    char *line, size_t size, int severity, const char *tag, const char *body)
{
	time_t now = (time_t)(clock_wall() / CLOCK_SEC);
	char date[32] = "";
	struct tm tm;
	int n;

	if (out.target == LOG_TARGET_STDERR) {
		n = snprintf(line, size, "%s: %s\n", out.program, body);
	} else {
		localtime_r(&now, &tm);
		strftime(date, sizeof(date), "%b %e %H:%M:%S", &tm);
		if (out.target == LOG_TARGET_SYSLOG)
			n = snprintf(line, size, "<%d>%s %s[%d]: %s",
			    out.facility | severity, date, tag, (int)getpid(),
			    body);
		else
			n = snprintf(line, size, "%s %s %s[%d]: %s\n", date,
			    out.host, tag, (int)getpid(), body);
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}

static void
write_line(int severity, const char *program, const char *body)
{
	char line[LOG_LINE_MAX + 512], tag[160];
	size_t n;
	int r;

	snprintf(tag, sizeof(tag), "%s%s%s", out.name,
	    out.name[0] == '\0' ? "" : "/", program);
	n = frame_line(line, sizeof(line), severity, tag, body);
	log_flush();
	r = out.ring.len > 0 ? -EAGAIN : put_line(line, n);
	if (r == 0)
		return;
	if (r != -EAGAIN)
		out.is_lost = true;
	keep_line(line, n);
}

void
log_flush(void)
{
	size_t at = 0;
	uint16_t len;
	int r = 0;

	if (out.ring.len > 0) {
		while (at < out.ring.len) {
			memcpy(&len, out.ring.p + at, sizeof(len));
			r = put_line(out.ring.p + at + sizeof(len), len);
			if (r < 0)
				break;
			at += sizeof(len) + len;
		}
		if (r < 0 && r != -EAGAIN)
			out.is_lost = true;
		buf_drop(&out.ring, at);
	}
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
	char body[LOG_LINE_MAX];
	size_t n = (size_t)snprintf(body, sizeof(body), "%s", level);

	vsnprintf(body + n, sizeof(body) - n, fmt, ap);
	make_printable(body, strlen(body));
	write_line(severity, program, body);
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
