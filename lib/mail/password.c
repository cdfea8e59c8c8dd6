/* SPDX-License-Identifier: ISC */
/* password - the schemes of hashes, over crypt(3), libmd and mail/scram. */
#include "mail/password.h"

#include "mail/base64.h"
#include "mail/saslprep.h"

#include <crypt.h>
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#define YESCRYPT "$y$"

static const struct {
	const char *name;
	enum password_scheme scheme;
} schemes[] = {
    {"CRYPT", PASSWORD_CRYPT},
    {"BLF-CRYPT", PASSWORD_CRYPT},
    {"SHA256-CRYPT", PASSWORD_CRYPT},
    {"SHA512-CRYPT", PASSWORD_CRYPT},
    {"MD5-CRYPT", PASSWORD_CRYPT},
    {"DES-CRYPT", PASSWORD_CRYPT},
    {"SHA256", PASSWORD_SHA256},
    {"SSHA256", PASSWORD_SHA256},
    {"SHA512", PASSWORD_SHA512},
    {"SSHA512", PASSWORD_SHA512},
    {"PLAIN", PASSWORD_PLAIN},
    {"CLEARTEXT", PASSWORD_PLAIN},
    {"SCRAM-SHA-1", PASSWORD_SCRAM_SHA1},
    {"SCRAM-SHA-256", PASSWORD_SCRAM_SHA256},
};

static enum password_scheme
find_scheme(struct str name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_eq_case(name, str_c(schemes[i].name)))
			return schemes[i].scheme;
	return PASSWORD_UNKNOWN;
}

enum password_scheme
password_scheme(const struct secret *s)
{
	return find_scheme(s->scheme);
}

bool
password_is_scram(const struct secret *s)
{
	enum password_scheme scheme = password_scheme(s);

	return scheme == PASSWORD_SCRAM_SHA1 || scheme == PASSWORD_SCRAM_SHA256;
}

bool
password_is_slow(const struct secret *s)
{
	return password_is_scram(s) || password_scheme(s) == PASSWORD_CRYPT;
}

bool
password_is_locked(const struct secret *s)
{
	return s->hash.len == 0 || s->hash.p[0] == '*' || s->hash.p[0] == '!';
}

bool
password_is_locked_in(const struct secrets *s, size_t i)
{
	for (size_t k = 0; k < s->n; k++)
		if (str_eq(s->list[k].app, s->list[i].app) &&
		    password_is_locked(&s->list[k]))
			return true;
	return false;
}

/* ---- crypt(3) ---- */

/* In a buffer of its own; the caller frees it with free_made(). */
static const char *
hash_crypt(struct str password, const char *setting, struct crypt_data **ret)
{
	char word[PASSWORD_MAX + 1];
	const char *made;

	*ret = calloc(1, sizeof(**ret));
	if (*ret == NULL)
		return NULL;
	memcpy(word, password.p, password.len);
	word[password.len] = '\0';
	made = crypt_r(word, setting, *ret);
	explicit_bzero(word, sizeof(word));
	/* What crypt(3) says of a wrong setting begins with an asterisk. */
	return made == NULL || made[0] == '*' ? NULL : made;
}

static void
free_made(struct crypt_data *data)
{
	if (data != NULL)
		freezero(data, sizeof(*data));
}

static bool
matches_crypt(struct str hash, struct str password)
{
	char setting[PASSWORD_HASH_MAX + 1];
	struct crypt_data *data;
	const char *made;
	bool is_same;

	if (hash.len >= sizeof(setting))
		return false;
	memcpy(setting, hash.p, hash.len);
	setting[hash.len] = '\0';
	made = hash_crypt(password, setting, &data);
	is_same = made != NULL && scram_is_same(str_c(made), hash);
	free_made(data);
	return is_same;
}

static int
make_crypt(struct str password, struct buf *out)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data;
	const char *made;
	int r;

	if (crypt_gensalt_rn(YESCRYPT, 0, NULL, 0, setting, sizeof(setting)) ==
	    NULL)
		return -errno;
	made = hash_crypt(password, setting, &data);
	r = made == NULL ? -EINVAL : buf_addf(out, "{CRYPT}%s", made);
	free_made(data);
	return r;
}

/* ---- digests: digest and salt behind it, in base64 ---- */

static void
digest(enum password_scheme scheme, struct str password, struct str salt,
    unsigned char *ret)
{
	SHA2_CTX c;

	if (scheme == PASSWORD_SHA256) {
		SHA256Init(&c);
		SHA256Update(&c, (const uint8_t *)password.p, password.len);
		SHA256Update(&c, (const uint8_t *)salt.p, salt.len);
		SHA256Final(ret, &c);
	} else {
		SHA512Init(&c);
		SHA512Update(&c, (const uint8_t *)password.p, password.len);
		SHA512Update(&c, (const uint8_t *)salt.p, salt.len);
		SHA512Final(ret, &c);
	}
	explicit_bzero(&c, sizeof(c));
}

static bool
matches_digest(const struct secret *s, struct str password)
{
	enum password_scheme scheme = password_scheme(s);
	size_t n = scheme == PASSWORD_SHA256 ? SHA256_DIGEST_LENGTH
	                                     : SHA512_DIGEST_LENGTH;
	unsigned char made[SHA512_DIGEST_LENGTH];
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, PASSWORD_HASH_MAX);
	if (base64_decode(s->hash, &b) < 0 || b.len < n)
		return false;
	digest(scheme, password, str_from(buf_str(&b), n), made);
	return scram_is_same(
	    str_n((const char *)made, n), str_sub(buf_str(&b), 0, n));
}

static int
make_digest(struct str password, struct buf *out)
{
	unsigned char bytes[SHA256_DIGEST_LENGTH + PASSWORD_SALT];
	char *salt = (char *)bytes + SHA256_DIGEST_LENGTH;

	arc4random_buf(salt, PASSWORD_SALT);
	digest(PASSWORD_SHA256, password, str_n(salt, PASSWORD_SALT), bytes);
	buf_add_c(out, "{SSHA256}");
	return base64_encode(str_n((const char *)bytes, sizeof(bytes)), out);
}

/* ---- SCRAM ---- */

static enum hmac_hash
hash_of(enum password_scheme scheme)
{
	return scheme == PASSWORD_SCRAM_SHA1 ? HMAC_SHA1 : HMAC_SHA256;
}

static bool
take_key(struct str text, enum hmac_hash h, unsigned char *ret)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init_secret(&b, HMAC_MAX);
	if (base64_decode(text, &b) < 0 || b.len != hmac_size(h))
		return false;
	memcpy(ret, b.p, b.len);
	return true;
}

bool
password_scram(
    const struct secret *s, enum hmac_hash hash, struct password_scram *ret)
{
	BUF_CLEANUP struct buf salt = {0};
	struct str iterations, stored, server;
	uint64_t n;

	if (!password_is_scram(s) || hash_of(password_scheme(s)) != hash)
		return false;
	*ret = (struct password_scram){.hash = hash};
	buf_init(&salt, SCRAM_SALT_MAX);
	if (!str_cut(s->hash, ',', &iterations, &ret->salt) ||
	    !str_cut(ret->salt, ',', &ret->salt, &stored) ||
	    !str_cut(stored, ',', &stored, &server))
		return false;
	if (str_parse_u64(iterations, SCRAM_ITERATIONS_MAX, &n) < 0 || n == 0)
		return false;
	ret->iterations = (uint32_t)n;
	return base64_decode(ret->salt, &salt) == 0 && salt.len > 0 &&
	       take_key(stored, hash, ret->keys.stored) &&
	       take_key(server, hash, ret->keys.server);
}

static bool
matches_scram(const struct secret *s, struct str password)
{
	enum hmac_hash h = hash_of(password_scheme(s));
	unsigned char salted[HMAC_MAX];
	struct password_scram want;
	BUF_CLEANUP struct buf salt = {0};
	struct scram_keys made;
	bool is_same;

	buf_init(&salt, SCRAM_SALT_MAX);
	if (!password_scram(s, h, &want) || base64_decode(want.salt, &salt) < 0)
		return false;
	scram_salt(h, password, buf_str(&salt), want.iterations, salted);
	scram_keys(h, salted, &made);
	is_same = scram_is_same(str_n((const char *)made.stored, hmac_size(h)),
	    str_n((const char *)want.keys.stored, hmac_size(h)));
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(&made, sizeof(made));
	explicit_bzero(&want, sizeof(want));
	return is_same;
}

static int
make_scram(struct str scheme, struct str password,
    const struct password_scram *like, struct buf *out)
{
	enum hmac_hash h = hash_of(find_scheme(scheme));
	uint32_t n = like != NULL ? like->iterations : PASSWORD_ITERATIONS;
	unsigned char salted[HMAC_MAX];
	BUF_CLEANUP struct buf salt = {0};
	struct scram_keys keys;

	buf_init(&salt, SCRAM_SALT_MAX);
	if (like != NULL && base64_decode(like->salt, &salt) < 0)
		return -EINVAL;
	if (like == NULL) {
		arc4random_buf(buf_room(&salt, PASSWORD_SALT), PASSWORD_SALT);
		buf_grew(&salt, PASSWORD_SALT);
	}
	scram_salt(h, password, buf_str(&salt), n, salted);
	scram_keys(h, salted, &keys);
	buf_addf(out, "{%.*s}%u,", STR_ARG(scheme), (unsigned)n);
	base64_encode(buf_str(&salt), out);
	buf_add_char(out, ',');
	base64_encode(str_n((const char *)keys.stored, hmac_size(h)), out);
	buf_add_char(out, ',');
	base64_encode(str_n((const char *)keys.server, hmac_size(h)), out);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(&keys, sizeof(keys));
	return out->full ? -EMSGSIZE : 0;
}

/* ---- all ---- */

bool
password_matches(const struct secret *s, struct str password)
{
	/* A key of HMAC is the same with a NUL behind it. */
	if (password_is_locked(s) || password.len == 0 ||
	    password.len > PASSWORD_MAX || str_has_char(password, '\0'))
		return false;
	switch (password_scheme(s)) {
	case PASSWORD_UNKNOWN:
		return false;
	case PASSWORD_CRYPT:
		return matches_crypt(s->hash, password);
	case PASSWORD_SHA256:
	case PASSWORD_SHA512:
		return matches_digest(s, password);
	case PASSWORD_PLAIN:
		return scram_is_same(s->hash, password);
	case PASSWORD_SCRAM_SHA1:
	case PASSWORD_SCRAM_SHA256:
		return matches_scram(s, password);
	}
	return false;
}

int
password_make(struct str scheme, struct str password,
    const struct password_scram *like, struct buf *out)
{
	BUF_CLEANUP struct buf prepared = {0};

	buf_init_secret(&prepared, PASSWORD_MAX);
	if (password.len == 0 || str_has_char(password, '\0') ||
	    saslprep_or_same(password, &prepared) < 0)
		return -EINVAL;
	switch (find_scheme(scheme)) {
	case PASSWORD_CRYPT:
		return make_crypt(buf_str(&prepared), out);
	case PASSWORD_SHA256:
		return make_digest(buf_str(&prepared), out);
	case PASSWORD_SCRAM_SHA1:
	case PASSWORD_SCRAM_SHA256:
		return make_scram(scheme, buf_str(&prepared), like, out);
	case PASSWORD_UNKNOWN:
	case PASSWORD_SHA512:
	case PASSWORD_PLAIN:
		break;
	}
	return -EINVAL;
}
