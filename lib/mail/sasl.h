/* SPDX-License-Identifier: ISC */
/*
 * sasl - the client's side of an authentication (RFC 4422): PLAIN (RFC 4616),
 * LOGIN, CRAM-MD5 (RFC 2195), SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, 7677).
 *
 * Pure dialogue: challenges and responses as bytes, without the base64 that
 * SMTP puts around them.  Each mechanism is a file and a row in the list of
 * sasl.c, the strongest first.
 *
 *	const struct sasl_mechanism *m = sasl_choose(offered, needs, ...);
 *	struct sasl *s = sasl_new(m, user, password);
 *	if (sasl_speaks_first(m))
 *		sasl_step(s, STR_NONE, &response, &why);
 *	... for each challenge: sasl_step(s, challenge, &response, &why);
 *	... the server says yes: sasl_is_complete(s), or it is not who it says
 *	sasl_free(&s);
 */
#ifndef MAIL_SASL_H
#define MAIL_SASL_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* What a mechanism withstands; as smtp_sasl_security_options names it. */
enum sasl_property {
	SASL_NOPLAINTEXT = 1 << 0,  /* who listens learns no password */
	SASL_NOACTIVE = 1 << 1,     /* who stands between cannot use it */
	SASL_NODICTIONARY = 1 << 2, /* nor guess the password from it */
	SASL_NOANONYMOUS = 1 << 3,
	SASL_MUTUAL_AUTH = 1 << 4, /* the server proves that it knows us */
};

/* Words between commas and blanks, "noplaintext, noanonymous", as bits; false
 * with the word that is none of them. */
bool sasl_properties(struct str list, unsigned *ret, struct str *ret_bad);

struct sasl_mechanism;

const char *sasl_name(const struct sasl_mechanism *m);
unsigned sasl_withstands(const struct sasl_mechanism *m);
bool sasl_speaks_first(const struct sasl_mechanism *m);
/* By name, in any case; NULL: not ours. */
const struct sasl_mechanism *sasl_find(struct str name);
/* All, the strongest first; NULL behind the last. */
const struct sasl_mechanism *sasl_at(size_t i);

#define SASL_USER_MAX     1024
#define SASL_PASSWORD_MAX 1024
#define SASL_RESPONSE_MAX 4096 /* bytes of any response */

/*
 * For one exchange.  Copies user and password, and wipes them at the end.
 * NULL when one is empty, too long, or holds a NUL.
 */
struct sasl *sasl_new(
    const struct sasl_mechanism *m, struct str user, struct str password);
void sasl_free(struct sasl **s);

/*
 * What to answer: `response` is set, and may be empty.  False with *why: this
 * is not the server that it should be, or not this mechanism; nothing more is
 * said.  `response` has room for SASL_RESPONSE_MAX.
 */
bool sasl_step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why);

/*
 * When the server says yes.  SECURITY: false means that it did before it had
 * shown all that the mechanism asks of it: with SCRAM, that it knows the
 * password.
 */
bool sasl_is_complete(const struct sasl *s);

#endif
