/* SPDX-License-Identifier: ISC */
/*
 * params - what stands behind the address of MAIL FROM and RCPT TO
 * (RFC 5321 section 4.1.2: esmtp-param), and the address itself.
 */
#ifndef MAIL_PARAMS_H
#define MAIL_PARAMS_H

#include "base/arena.h"
#include "base/str.h"
#include "mail/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* The largest SIZE= that is a number at all (RFC 1870 allows 20 digits). */
#define PARAMS_SIZE_MAX UINT64_C(9999999999999999999)

struct params {
	bool has_size;
	uint64_t size;    /* SIZE=, RFC 1870 */
	bool body_8bit;   /* BODY=8BITMIME, RFC 6152 */
	bool has_dsn;     /* one of RFC 3461 was given: */
	uint64_t ret;     /* RET= (enum ret; 0: none) */
	struct str envid; /* ENVID=, decoded; empty: none */
	bool has_auth;
	struct str auth; /* AUTH=, RFC 4954, decoded; empty: none, or <> */
};

/* Of RCPT. */
struct params_rcpt {
	bool has_dsn;
	uint64_t notify;  /* NOTIFY= (enum notify; 0: none) */
	struct str orcpt; /* ORCPT=, "type;address", decoded; empty: none */
};

/*
 * The rest of a MAIL or RCPT line behind the verb: "FROM:<path> params".
 * `word` is "FROM" or "TO".  0 with the path in *ret (in `a`) and the rest
 * in *ret_params; -EINVAL when there is no "FROM:", -EBADMSG when the path is
 * not one.  Blanks between the colon and the path are taken unless `strict`
 * (strict_rfc821_envelopes), as is a path without <>.
 */
int params_path(struct str args, struct str word, bool strict, struct arena *a,
    struct addr *ret, struct str *ret_params);

/*
 * The parameters of MAIL, what is decoded in `a`.  0, or -EINVAL with *ret_bad
 * the one that is wrong and *ret_why a format-free text for the reply ("Bad
 * message size syntax"), or -EOPNOTSUPP with *ret_bad one that is not known.
 */
int params_mail(struct str text, struct arena *a, struct params *ret,
    struct str *ret_bad, const char **ret_why);
/* The same for RCPT. */
int params_rcpt(struct str text, struct arena *a, struct params_rcpt *ret,
    struct str *ret_bad, const char **ret_why);

#endif
