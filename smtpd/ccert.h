/* SPDX-License-Identifier: ISC */
/*
 * ccert - what a client's certificate says of who it is: its fingerprints
 * (smtpd_tls_fingerprint_digest), which tables name, whoever signed it; or
 * that somebody vouches for it.
 */
#ifndef SMTPD_CCERT_H
#define SMTPD_CCERT_H

#include "base/arena.h"
#include "base/find.h"
#include "base/str.h"
#include "net/tls.h"

#include <stdbool.h>

struct session;

/* One of them, in `a`: "AB:CD:..."; empty without a certificate. */
struct str ccert_print(
    const struct session *s, enum tls_fingerprint what, struct arena *a);

/* Is one of the two in relay_clientcerts? */
enum find ccert_is_known(const struct session *s, struct arena *a);

/* Does it lead to a CA of ours? */
bool ccert_is_trusted(const struct session *s);

#endif
