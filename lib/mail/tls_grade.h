/* SPDX-License-Identifier: ISC */
/*
 * tls_grade - what main.cf says of protocols and ciphers, and what a table of
 * policies says of them for one destination, as lib/net takes it.
 *
 * Protocols are a list of names: those given, or all but those with a '!'; or
 * bounds, ">=TLSv1.2" and "<=TLSv1.3".  The names of the dead are understood;
 * below TLS 1.2 there is nothing, so a bound there means TLS 1.2.
 *
 * Ciphers are a grade, "high" or "medium", whose meaning for TLS 1.2 is
 * tls_high_cipherlist, tls_medium_cipherlist; and names of OpenSSL's to
 * exclude.  "low" and "export" are "medium": what they let in besides there is
 * no more.  The ciphers of TLS 1.3 are good in any grade.
 */
#ifndef MAIL_TLS_GRADE_H
#define MAIL_TLS_GRADE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "mail/conf.h"
#include "net/tls.h"

/* Sets grade's bounds.  0, or -EINVAL with `why`. */
int tls_grade_protocols(
    struct str list, struct tls_grade *ret, struct buf *why);

/* Sets grade's ciphers, in `a`.  `exclude` may be empty.  0, or -EINVAL with
 * `why`. */
int tls_grade_ciphers(const struct conf *c, struct str grade,
    struct str exclude, struct arena *a, struct tls_grade *ret,
    struct buf *why);

/*
 * The groups of TLS's key exchange, in `a`, for smtpd_tls_eecdh_grade: "auto",
 * or "strong", "ultra", "none".  0, or -EINVAL with `why`.
 */
int tls_grade_groups(const struct conf *c, struct str grade, struct arena *a,
    const char **ret, struct buf *why);

/*
 * tls_ssl_options: OpenSSL's names, of which some say what always holds, as
 * TLS_NO_TICKETS ... of net/tls.h.  0, or -EINVAL with `why`.
 */
int tls_grade_options(struct str list, unsigned *ret, struct buf *why);

#endif
