/* SPDX-License-Identifier: ISC */
/* ccert - a client's certificate, as the rules ask for it. */
#include "ccert.h"

#include "session.h"

struct str
ccert_print(const struct session *s, enum tls_fingerprint what, struct arena *a)
{
	char print[TLS_FINGERPRINT_SIZE];

	if (tls_fingerprint(
		&s->stream, what, s->server->starttls.digest, print) < 0)
		return STR_NONE;
	return arena_str(a, str_c(print));
}

enum find
ccert_is_known(const struct session *s, struct arena *a)
{
	static const enum tls_fingerprint prints[] = {TLS_OF_CERT, TLS_OF_KEY};
	struct maps *known = s->server->relay_clientcerts;

	for (size_t i = 0; i < 2 && !maps_is_empty(known); i++) {
		struct str print = ccert_print(s, prints[i], a), value;
		enum find found = FIND_NO;

		if (print.len > 0)
			found = maps_get(known, print, a, &value);
		if (found != FIND_NO)
			return found;
	}
	return FIND_NO;
}

bool
ccert_is_trusted(const struct session *s)
{
	const struct tls_info *tls = tls_info(&s->stream);

	return tls != NULL && tls->has_cert && tls->is_trusted;
}
