/* SPDX-License-Identifier: ISC */
/*
 * unix - sockets that have a name in a directory.  The directory is a
 * descriptor, so that a path may be longer than a sockaddr_un; /proc must be
 * there.  Types are SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM.  Descriptors are
 * non-blocking and close-on-exec.
 */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include <sys/types.h>

#define UNIX_NAME_MAX 64

/*
 * Listen (a datagram socket: be bound) under `name`, a plain file name, with
 * exactly these mode bits.  A socket that is there already is replaced:
 * whoever calls this knows that it is left over; anything else there is
 * -EADDRINUSE.  A descriptor or -errno.
 */
int unix_listen(int dirfd, const char *name, int type, mode_t mode);

/* A descriptor or -errno: -ENOENT, -ECONNREFUSED (nobody listens), -EACCES,
 * -EAGAIN (too many wait already). */
int unix_connect(int dirfd, const char *name, int type);

#endif
