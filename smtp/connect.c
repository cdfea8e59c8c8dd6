/* SPDX-License-Identifier: ISC */
/* connect - sockets, and from which address. */
#include "connect.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
bind_to(int fd, const struct ip *from, bool enforce)
{
	struct sockaddr_storage ss;
	char text[IP_TEXT_MAX];

	if (from->family == 0)
		return 0;
	socklen_t len = ip_to_sockaddr(from, 0, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	int e = -errno;
	ip_format(from, text);
	log_warning("smtp_bind_address: bind %s: %s", text, strerror(-e));
	return enforce ? e : 0;
}

static int
open_socket(const struct settings *c, const struct ip *to)
{
	int fd = socket(to->family == 6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	int e = bind_to(
	    fd, to->family == 6 ? &c->bind6 : &c->bind4, c->enforce_bind);
	/* A group of commands is one write: nothing is gained by waiting. */
	if (e == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		e = -errno;
	if (e == 0)
		return fd;
	close(fd);
	return e;
}

/* The stream over a descriptor, which it takes. */
static int
begin_stream(struct stream *s, int fd)
{
	int e = stream_init(s, fd);

	if (e != 0) {
		close(fd);
		s->io.fd = -1;
	}
	return e;
}

static int
connect_to_socket(struct stream *s, const struct settings *c, struct str path,
    int64_t deadline)
{
	BUF_CLEANUP struct buf endpoint = {0};

	buf_init(&endpoint, NEXTHOP_PATH_MAX + 5);
	buf_addf(&endpoint, "unix:%.*s", STR_ARG(path));
	int fd = c->dial(buf_str(&endpoint), deadline);
	return fd < 0 ? fd : begin_stream(s, fd);
}

int
connect_stream(
    struct stream *s, const struct settings *c, const struct target *to)
{
	int64_t time = c->connect_time;
	int64_t deadline = time > 0 ? clock_after(time) : CLOCK_NEVER;

	if (to->path.len > 0)
		return connect_to_socket(s, c, to->path, deadline);
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&to->ip, to->port, &ss);
	int fd = open_socket(c, &to->ip);

	if (fd < 0)
		return fd;
	int e = begin_stream(s, fd);
	return e != 0
	           ? e
	           : io_connect(&s->io, (struct sockaddr *)&ss, len, deadline);
}
