/* SPDX-License-Identifier: ISC */
/*
 * sasl_scram - the client of RFC 5802 section 5, without channel binding:
 *
 *	C: n,,n=user,r=NONCE
 *	S: r=NONCEmore,s=SALT,i=4096
 *	C: c=biws,r=NONCEmore,p=PROOF
 *	S: v=SIGNATURE
 *	C: (nothing)
 */
#include "mail/sasl_mechanism.h"

#include "mail/base64.h"
#include "mail/saslprep.h"
#include "mail/scram.h"

#include <string.h>

#define NONCE_BYTES 18
#define NONCE_MAX   1024 /* the server's */

struct scram {
	struct buf nonce;     /* ours */
	struct buf auth;      /* AuthMessage, as far as it was said */
	struct buf signature; /* what the server has to show, as base64 */
};

static void
begin(struct scram *c)
{
	unsigned char bytes[NONCE_BYTES];

	buf_init(&c->nonce, 4 * NONCE_BYTES);
	buf_init(&c->auth, 3 * SCRAM_MESSAGE_MAX);
	buf_init_secret(&c->signature, 4 * HMAC_MAX);
	arc4random_buf(bytes, sizeof(bytes));
	base64_encode(str_n((char *)bytes, sizeof(bytes)), &c->nonce);
}

static void
done(struct sasl *s)
{
	struct scram *c = s->state;

	buf_done(&c->nonce);
	buf_done(&c->auth);
	buf_done(&c->signature);
}

static bool
say_first(struct sasl *s, struct buf *response)
{
	struct scram *c = s->state;
	BUF_CLEANUP struct buf user = {0};

	begin(c);
	buf_init(&user, SASLPREP_MAX);
	saslprep_or_same(buf_str(&s->user), &user);
	buf_add_c(&c->auth, "n=");
	scram_name_encode(buf_str(&user), &c->auth);
	buf_addf(&c->auth, ",r=%s", c->nonce.p);
	buf_add_c(response, "n,,");
	buf_add_str(response, buf_str(&c->auth));
	return true;
}

struct server_first {
	struct str nonce;
	struct buf salt;
	uint64_t iterations;
};

/* NULL, or what is wrong.  Extensions behind the iterations may be ignored;
 * one that may not, "m=", would stand in front. */
static const char *
parse_first(struct str m, const struct scram *c, struct server_first *ret)
{
	struct str salt, iterations;

	if (!scram_take(&m, 'r', &ret->nonce) || !scram_take(&m, 's', &salt) ||
	    !scram_take(&m, 'i', &iterations))
		return "a challenge that is not SCRAM's";
	if (!scram_is_nonce(ret->nonce) || ret->nonce.len <= c->nonce.len ||
	    !str_has_prefix(ret->nonce, buf_str(&c->nonce)))
		return "a nonce that does not go on from ours";
	if (ret->nonce.len > NONCE_MAX)
		return "a nonce that is too long";
	if (base64_decode(salt, &ret->salt) != 0)
		return "a salt that is not base64, or too long";
	if (str_parse_u64(iterations, UINT32_MAX, &ret->iterations) != 0)
		return "an iteration count that is not a number";
	/* SECURITY: few make the password easy to guess. */
	if (ret->iterations < SCRAM_ITERATIONS)
		return "fewer than 4096 iterations";
	if (ret->iterations > SCRAM_ITERATIONS_MAX)
		return "more than 200000 iterations";
	return NULL;
}

static void
prove(struct sasl *s, const struct server_first *first, struct buf *response)
{
	enum hmac_hash h = s->mechanism->hash;
	unsigned char salted[HMAC_MAX], proof[HMAC_MAX], signature[HMAC_MAX];
	struct scram *c = s->state;
	BUF_CLEANUP struct buf password = {0};
	struct scram_keys k;

	buf_init_secret(&password, SASLPREP_MAX);
	saslprep_or_same(buf_str(&s->password), &password);
	scram_salt(h, buf_str(&password), buf_str(&first->salt),
	    (uint32_t)first->iterations, salted);
	scram_keys(h, salted, &k);
	scram_proof(h, &k, buf_str(&c->auth), proof);
	scram_signature(h, &k, buf_str(&c->auth), signature);
	buf_add_c(response, ",p=");
	base64_encode(str_n((char *)proof, hmac_size(h)), response);
	base64_encode(str_n((char *)signature, hmac_size(h)), &c->signature);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(proof, sizeof(proof));
	explicit_bzero(signature, sizeof(signature));
	explicit_bzero(&k, sizeof(k));
}

static bool
say_final(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	struct scram *c = s->state;
	struct server_first first = {.iterations = 0};

	buf_init(&first.salt, SCRAM_SALT_MAX);
	*why = challenge.len > SCRAM_MESSAGE_MAX
	           ? "a challenge that is too long"
	           : parse_first(challenge, c, &first);
	if (*why == NULL) {
		buf_add_c(response, "c=biws,r=");
		buf_add_str(response, first.nonce);
		buf_add_char(&c->auth, ',');
		buf_add_str(&c->auth, challenge);
		buf_add_char(&c->auth, ',');
		buf_add_str(&c->auth, buf_str(response));
		prove(s, &first, response);
	}
	buf_done(&first.salt);
	return *why == NULL;
}

/* The server's turn to prove: section 3, ServerSignature. */
static bool
check_server(struct sasl *s, struct str challenge, const char **why)
{
	struct scram *c = s->state;
	struct str value;

	*why = "it does not know the password itself: its signature is wrong";
	if (scram_take(&challenge, 'v', &value))
		return scram_is_same(value, buf_str(&c->signature));
	*why = scram_take(&challenge, 'e', &value)
	           ? "it refuses (SCRAM error)"
	           : "a last challenge that is not SCRAM's";
	return false;
}

static bool
step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	if (s->step == 0)
		return say_first(s, response);
	if (s->step == 1)
		return say_final(s, challenge, response, why);
	return check_server(s, challenge, why);
}

#define WITHSTANDS                                                             \
	(SASL_NOANONYMOUS | SASL_NOPLAINTEXT | SASL_NOACTIVE | SASL_MUTUAL_AUTH)

const struct sasl_mechanism sasl_scram_sha1 = {
    .name = "SCRAM-SHA-1",
    .withstands = WITHSTANDS,
    .speaks_first = true,
    .hash = HMAC_SHA1,
    .steps = 3,
    .room = sizeof(struct scram),
    .step = step,
    .done = done,
};

const struct sasl_mechanism sasl_scram_sha256 = {
    .name = "SCRAM-SHA-256",
    .withstands = WITHSTANDS,
    .speaks_first = true,
    .hash = HMAC_SHA256,
    .steps = 3,
    .room = sizeof(struct scram),
    .step = step,
    .done = done,
};
