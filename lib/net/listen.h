/* SPDX-License-Identifier: ISC */
/*
 * listen - the ports that master binds.  Descriptors are non-blocking and
 * close-on-exec.  What is set here once is inherited by each connection that
 * is accepted: TCP_NODELAY, so that no reply waits for an acknowledgement.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/ip.h"

#define LISTEN_BACKLOG 1024

/*
 * A TCP port (0: any free one) of one address; the address of all zeros is
 * every address of its family, and of no other.  A descriptor or -errno:
 * -EADDRINUSE, -EADDRNOTAVAIL, -EACCES.
 */
int listen_tcp(const struct ip *ip, uint16_t port);

/* The address and port that it has got.  0 or -errno. */
int listen_where(int fd, struct ip *ret_ip, uint16_t *ret_port);

#endif
