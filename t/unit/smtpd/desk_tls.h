/* SPDX-License-Identifier: ISC */
/* desk_tls - keys as far as smtpd can see it, and clients that speak TLS. */
#ifndef T_SMTPD_DESK_TLS_H
#define T_SMTPD_DESK_TLS_H

#include "base/str.h"
#include "net/stream.h"
#include "server.h"

/* What main() of smtpd does; who vouches for clients is who signs theirs when
 * smtpd_tls_CAfile is set. */
void desk_tls_open(struct server *s);
void desk_tls_close(void);

/* There is no certificate from now on, or there is one again. */
void desk_tls_keys(bool has_keys);

/* A client's handshake; `how` is words: "1.2", "cert" (it has one).  As
 * tls_connect(). */
int desk_tls_connect(struct stream *client, struct str how, struct buf *why);

/* What is known of that client by a table: the SHA-256 of its certificate, of
 * its key. */
struct str desk_tls_print(bool of_key);

#endif
