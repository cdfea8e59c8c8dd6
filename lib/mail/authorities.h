/* SPDX-License-Identifier: ISC */
/*
 * authorities - who vouches for a peer's certificate: the PEM that
 * smtpd_tls_CAfile and smtpd_tls_CApath, smtp_tls_CAfile and smtp_tls_CApath
 * name.
 *
 * A program may open nothing, so master hands both in: the file as it is, of
 * the directory one file that it makes of those that c_rehash(1) named
 * (authorities_gather), as "file:" and the path.
 */
#ifndef MAIL_AUTHORITIES_H
#define MAIL_AUTHORITIES_H

#include "base/buf.h"
#include "base/serve.h"
#include "base/str.h"

#define AUTHORITIES_MAX     (8 * 1024 * 1024)
#define AUTHORITIES_DEFAULT "/etc/ssl/certs" /* tls_append_default_CA */

/*
 * For a program: what master handed in of `file` and `dir`, either of which
 * may be empty, appended to `ret`.  False with `why` when one is named and was
 * not handed in or cannot be read.
 */
bool authorities_read(const struct serve *sv, struct str file, struct str dir,
    struct buf *ret, struct buf *why);

/* For master: the files of an open directory, one after the other, in a sealed
 * memfd; -errno.  Other names than those of c_rehash ("0a1b2c3d.0") are
 * passed over, and so is what is no file. */
int authorities_gather(int dir_fd);

#endif
