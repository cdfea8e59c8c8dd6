/* SPDX-License-Identifier: ISC */
/* sasl_cram_md5 - RFC 2195: the user, and the keyed MD5 of the challenge. */
#include "mail/sasl_mechanism.h"

#include <string.h>

static bool
step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	unsigned char digest[HMAC_MAX];

	/* Without one it would be the same response every time. */
	if (challenge.len == 0) {
		*why = "an empty challenge";
		return false;
	}
	hmac(HMAC_MD5, buf_str(&s->password), challenge, digest);
	buf_add_str(response, buf_str(&s->user));
	buf_add_char(response, ' ');
	for (size_t i = 0; i < hmac_size(HMAC_MD5); i++)
		buf_addf(response, "%02x", digest[i]);
	explicit_bzero(digest, sizeof(digest));
	return true;
}

const struct sasl_mechanism sasl_cram_md5 = {
    .name = "CRAM-MD5",
    .withstands = SASL_NOANONYMOUS | SASL_NOPLAINTEXT,
    .steps = 1,
    .step = step,
};
