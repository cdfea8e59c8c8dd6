/* SPDX-License-Identifier: ISC */
/* connect - a stream to a server: TCP, from the address that is set, or a
 * socket that master connects to. */
#ifndef SMTP_CONNECT_H
#define SMTP_CONNECT_H

#include "settings.h"
#include "target.h"

#include "net/stream.h"

/* Waits; 0 or -errno.  s->io.fd is -1, or the stream is to be ended. */
int connect_stream(
    struct stream *s, const struct settings *c, const struct target *to);

#endif
