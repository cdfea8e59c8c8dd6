/* SPDX-License-Identifier: ISC */
/* tickets - secrets that have their time. */
#include "tickets.h"

#include "base/log.h"

#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST 64 /* of SHA-512 */

static void
draw(struct tickets *t)
{
	if (t->n > 0)
		memcpy(t->secrets[1], t->secrets[0], TICKETS_SECRET);
	arc4random_buf(t->secrets[0], TICKETS_SECRET);
	if (t->n < KEYS_TICKETS_MAX)
		t->n++;
}

bool
tickets_tend(struct tickets *t, int64_t life, int64_t now, int64_t *ret_next)
{
	bool is_due = t->n == 0 || now - t->since >= life;

	/* One that nobody looked at for two lives is no use as the old one. */
	if (t->n > 0 && (now - t->since) / 2 >= life)
		t->n = 0;
	if (is_due) {
		draw(t);
		t->since = now;
	}
	t->life = life;
	*ret_next = t->since + life;
	return is_due;
}

/* A part of what is derived: HMAC-SHA-512 of the part's name, the service's
 * and the binding, each with its end told. */
static void
derive(const unsigned char *secret, const char *part, struct str client,
    struct str binding, unsigned char ret[static DIGEST])
{
	unsigned char text[8 + 256 + KEYS_BINDING_MAX];
	struct str parts[] = {str_c(part), client, binding};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].len > 255 || n + 1 + parts[i].len > sizeof(text))
			log_fatal("the name of a service is too long");
		text[n++] = (unsigned char)parts[i].len;
		memcpy(text + n, parts[i].p, parts[i].len);
		n += parts[i].len;
	}
	if (HMAC(EVP_sha512(), secret, TICKETS_SECRET, text, n, ret, NULL) ==
	    NULL)
		log_fatal("HMAC does not work");
}

void
tickets_get(const struct tickets *t, size_t i, struct str client,
    struct str binding, unsigned char ret[static KEYS_TICKET])
{
	unsigned char name[DIGEST], keys[DIGEST];

	derive(t->secrets[i], "name", client, binding, name);
	derive(t->secrets[i], "keys", client, binding, keys);
	memcpy(ret, name, KEYS_TICKET - DIGEST);
	memcpy(ret + KEYS_TICKET - DIGEST, keys, DIGEST);
	explicit_bzero(keys, sizeof(keys));
}
