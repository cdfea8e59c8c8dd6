/* SPDX-License-Identifier: ISC */
/* listen - TCP ports to accept on.  Owns nothing. */
#include "net/listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int
set_on(int fd, int level, int option)
{
	const int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one));
}

static int
open_port(int fd, const struct ip *ip, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = ip_to_sockaddr(ip, port, &sa);

	/* A restart does not wait for connections of the last run to die. */
	if (set_on(fd, SOL_SOCKET, SO_REUSEADDR) < 0)
		return -errno;
	/* [::] and 0.0.0.0 are two ports, whatever net.ipv6.bindv6only is. */
	if (ip->family == 6 && set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
		return -errno;
	if (set_on(fd, IPPROTO_TCP, TCP_NODELAY) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return listen(fd, LISTEN_BACKLOG) < 0 ? -errno : 0;
}

int
listen_tcp(const struct ip *ip, uint16_t port)
{
	int fd = socket(ip->family == 4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = open_port(fd, ip, port);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int
listen_where(int fd, struct ip *ret_ip, uint16_t *ret_port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	return ip_from_sockaddr((struct sockaddr *)&sa, ret_ip, ret_port);
}
