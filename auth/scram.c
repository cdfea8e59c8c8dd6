/* SPDX-License-Identifier: ISC */
/*
 * scram - SCRAM as the server (RFC 5802, RFC 7677), without channel binding:
 * "n" and "y" are taken, "p=" is refused, since no -PLUS is offered.
 *
 * SECURITY: a user who is not there, or has no key, gets a salt that is the
 * same each time he is asked for, and an exchange that fails at its end.
 */
#include "mechanism.h"

#include "base/log.h"
#include "mail/base64.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX   (1 + SECRETS_APPS_MAX)
#define NONCE_SIZE 18 /* bytes of ours, 24 characters */
#define ARENA_MAX  (256 * 1024)

struct scram_exchange {
	struct buf header; /* of GS2, as it came */
	struct buf bare;   /* client-first-message-bare */
	struct buf first;  /* server-first-message */
	struct buf nonce;  /* both */
	struct buf auth;   /* AuthMessage */
	struct buf proof;
	/* Of the password and of application passwords with its salt. */
	struct scram_keys keys[KEYS_MAX];
	size_t nkeys;
	bool is_there;
};

static struct scram_exchange *
new_exchange(void)
{
	struct scram_exchange *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for an exchange");
	buf_init(&s->header, SCRAM_MESSAGE_MAX);
	buf_init(&s->bare, SCRAM_MESSAGE_MAX);
	buf_init(&s->first, SCRAM_MESSAGE_MAX + SCRAM_SALT_MAX);
	buf_init(&s->nonce, SCRAM_MESSAGE_MAX);
	buf_init(&s->auth, 4 * SCRAM_MESSAGE_MAX);
	buf_init(&s->proof, HMAC_MAX);
	return s;
}

void
scram_exchange_free(struct scram_exchange **sp)
{
	struct scram_exchange *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	buf_done(&s->header);
	buf_done(&s->bare);
	buf_done(&s->first);
	buf_done(&s->nonce);
	buf_done(&s->auth);
	buf_done(&s->proof);
	freezero(s, sizeof(*s));
}

/* ---- client-first-message ---- */

/* "n,," or "y,,", perhaps with "a=authzid"; the rest is the bare message. */
static bool
take_header(struct str in, struct str *ret_header, struct str *ret_authzid,
    struct str *ret_bare)
{
	struct str flag, authzid, rest;

	if (!str_cut(in, ',', &flag, &rest) ||
	    !str_cut(rest, ',', &authzid, ret_bare))
		return false;
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return false;
	if (authzid.len > 0 && !str_has_prefix(authzid, STR("a=")))
		return false;
	*ret_authzid = str_from(authzid, 2);
	*ret_header = str_sub(in, 0, (size_t)(ret_bare->p - in.p));
	return true;
}

/* SECURITY: nobody may act for another. */
static bool
take_name(struct exchange *x, struct str name, struct str authzid)
{
	BUF_CLEANUP struct buf plain = {0}, other = {0};

	buf_init(&plain, CHECK_NAME_MAX);
	buf_init(&other, CHECK_NAME_MAX);
	if (scram_name_decode(name, &plain) < 0 ||
	    scram_name_decode(authzid, &other) < 0)
		return false;
	if (other.len > 0 && !str_eq_case(buf_str(&plain), buf_str(&other)))
		return false;
	return exchange_name(x, buf_str(&plain));
}

/* "n=user,r=nonce", then extensions, which are passed over, but for "m=". */
static bool
take_first(struct exchange *x, struct scram_exchange *s, struct str in)
{
	struct str header, authzid, bare, rest, name, nonce;

	if (!take_header(in, &header, &authzid, &bare))
		return false;
	rest = bare;
	if (!scram_take(&rest, 'n', &name) || !scram_take(&rest, 'r', &nonce) ||
	    !scram_is_nonce(nonce) || !take_name(x, name, authzid))
		return false;
	buf_add_str(&s->header, header);
	buf_add_str(&s->bare, bare);
	buf_add_str(&s->nonce, nonce);
	return !s->header.full && !s->bare.full && !s->nonce.full;
}

/* ---- what we know of him ---- */

static void
add_key(struct scram_exchange *s, const struct password_scram *key)
{
	if (s->nkeys < KEYS_MAX)
		s->keys[s->nkeys++] = key->keys;
}

/* The keys that have the salt of the first. */
static bool
take_keys(struct scram_exchange *s, const struct secrets *secrets,
    enum hmac_hash h, struct password_scram *ret)
{
	struct password_scram key;

	for (size_t i = 0; i < secrets->n; i++) {
		if (password_is_locked_in(secrets, i) ||
		    !password_scram(&secrets->list[i], h, &key))
			continue;
		if (s->nkeys == 0)
			*ret = key;
		if (str_eq(key.salt, ret->salt) &&
		    key.iterations == ret->iterations)
			add_key(s, &key);
	}
	explicit_bzero(&key, sizeof(key));
	return s->nkeys > 0;
}

static void
invent(struct exchange *x, struct scram_exchange *s, struct buf *ret_salt,
    struct password_scram *ret)
{
	unsigned char salt[HMAC_MAX];

	users_salt(x->users, buf_str(&x->name), salt);
	base64_encode(str_n((const char *)salt, PASSWORD_SALT), ret_salt);
	ret->iterations = users_iterations(x->users);
	ret->salt = buf_str(ret_salt);
	s->nkeys = 1;
	arc4random_buf(&s->keys[0], sizeof(s->keys[0]));
}

/* His keys, or those of nobody.  *ret lies in `a` and `invented`.  False: the
 * table cannot be asked. */
static bool
look_up(struct exchange *x, struct scram_exchange *s, struct arena *a,
    struct buf *invented, struct password_scram *ret)
{
	struct secrets secrets;
	enum find found;

	found = users_find(x->users, buf_str(&x->name), a, &secrets);
	if (found == FIND_RETRY || found == FIND_BROKEN)
		return false;
	s->nkeys = 0;
	s->is_there = found == FIND_YES &&
	              take_keys(s, &secrets, x->mechanism->hash, ret);
	if (!s->is_there)
		invent(x, s, invented, ret);
	return true;
}

static enum step
answer_first(struct exchange *x, struct scram_exchange *s)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf invented = {0};
	unsigned char nonce[NONCE_SIZE];
	struct password_scram key;

	arena_init(&a, ARENA_MAX);
	buf_init(&invented, SCRAM_SALT_MAX);
	if (!look_up(x, s, &a, &invented, &key))
		return STEP_RETRY;
	arc4random_buf(nonce, sizeof(nonce));
	base64_encode(str_n((const char *)nonce, sizeof(nonce)), &s->nonce);
	buf_addf(&s->first, "r=%.*s,s=%.*s,i=%u", STR_ARG(buf_str(&s->nonce)),
	    STR_ARG(key.salt), (unsigned)key.iterations);
	explicit_bzero(&key, sizeof(key));
	buf_add_str(&x->out, buf_str(&s->first));
	return s->nonce.full || s->first.full || x->out.full ? STEP_BAD
	                                                     : STEP_CHALLENGE;
}

/* ---- client-final-message ---- */

/* "c=base64 of the header,r=nonce[,extensions],p=proof" */
static bool
take_final(struct scram_exchange *s, struct str in)
{
	BUF_CLEANUP struct buf header = {0};
	ptrdiff_t at = str_find_last(in, ',');
	struct str rest = in, binding, nonce, proof;

	buf_init(&header, SCRAM_MESSAGE_MAX);
	if (at < 0 || !scram_take(&rest, 'c', &binding) ||
	    !scram_take(&rest, 'r', &nonce))
		return false;
	if (base64_decode(binding, &header) < 0 ||
	    !str_eq(buf_str(&header), buf_str(&s->header)) ||
	    !str_eq(nonce, buf_str(&s->nonce)))
		return false;
	rest = str_from(in, (size_t)at + 1);
	if (!scram_take(&rest, 'p', &proof) || rest.len > 0 ||
	    base64_decode(proof, &s->proof) < 0)
		return false;
	buf_add_str(&s->auth, buf_str(&s->bare));
	buf_add_char(&s->auth, ',');
	buf_add_str(&s->auth, buf_str(&s->first));
	buf_add_char(&s->auth, ',');
	buf_add_str(&s->auth, str_sub(in, 0, (size_t)at));
	return !s->auth.full;
}

enum step
scram_step(struct exchange *x, bool has, struct str in)
{
	if (!has && x->steps == 0)
		return STEP_CHALLENGE;
	if (x->scram == NULL) {
		x->scram = new_exchange();
		return take_first(x, x->scram, in) ? answer_first(x, x->scram)
		                                   : STEP_BAD;
	}
	return take_final(x->scram, in) ? STEP_CHECK : STEP_BAD;
}

/* His keys as they are now. */
static bool
look_again(struct exchange *x)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf invented = {0};
	struct password_scram key;
	bool is_known;

	arena_init(&a, ARENA_MAX);
	buf_init(&invented, SCRAM_SALT_MAX);
	is_known = look_up(x, x->scram, &a, &invented, &key);
	explicit_bzero(&key, sizeof(key));
	return is_known;
}

/* SECURITY: all keys are tried, whichever is right. */
enum verdict
scram_check(struct exchange *x)
{
	enum hmac_hash h = x->mechanism->hash;
	struct scram_exchange *s = x->scram;
	const struct scram_keys *right = NULL;
	unsigned char signature[HMAC_MAX];

	if (!look_again(x))
		return VERDICT_RETRY;
	for (size_t i = 0; i < s->nkeys; i++)
		if (scram_proof_is_good(
			h, &s->keys[i], buf_str(&s->auth), buf_str(&s->proof)))
			right = &s->keys[i];
	if (!s->is_there)
		return VERDICT_NO_USER;
	if (right == NULL)
		return VERDICT_WRONG;
	buf_reset(&x->out);
	buf_add_c(&x->out, "v=");
	scram_signature(h, right, buf_str(&s->auth), signature);
	base64_encode(str_n((const char *)signature, hmac_size(h)), &x->out);
	return VERDICT_OK;
}
