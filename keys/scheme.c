/* SPDX-License-Identifier: ISC */
/* scheme - signatures by the numbers that TLS gives them. */
#include "scheme.h"

#include "mail/proto/keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static const struct scheme {
	uint64_t number;
	int type;
	const char *digest; /* NULL: the scheme has its own */
	int padding;        /* of RSA */
} schemes[] = {
    {0x0401, EVP_PKEY_RSA, "SHA256", RSA_PKCS1_PADDING},
    {0x0501, EVP_PKEY_RSA, "SHA384", RSA_PKCS1_PADDING},
    {0x0601, EVP_PKEY_RSA, "SHA512", RSA_PKCS1_PADDING},
    {0x0804, EVP_PKEY_RSA, "SHA256", RSA_PKCS1_PSS_PADDING},
    {0x0805, EVP_PKEY_RSA, "SHA384", RSA_PKCS1_PSS_PADDING},
    {0x0806, EVP_PKEY_RSA, "SHA512", RSA_PKCS1_PSS_PADDING},
    {0x0403, EVP_PKEY_EC, "SHA256", 0},
    {0x0503, EVP_PKEY_EC, "SHA384", 0},
    {0x0603, EVP_PKEY_EC, "SHA512", 0},
    {0x0807, EVP_PKEY_ED25519, NULL, 0},
};
#define NSCHEMES (sizeof(schemes) / sizeof(schemes[0]))

bool
scheme_fits(const EVP_PKEY *key)
{
	for (size_t i = 0; i < NSCHEMES; i++)
		if (EVP_PKEY_get_base_id(key) == schemes[i].type)
			return EVP_PKEY_get_size(key) <= KEYS_SIGNATURE_MAX;
	return false;
}

static const struct scheme *
find_scheme(const EVP_PKEY *key, uint64_t number, bool is_tls13)
{
	for (size_t i = 0; i < NSCHEMES; i++) {
		const struct scheme *s = &schemes[i];

		if (s->number == number && s->type == EVP_PKEY_get_base_id(key))
			return is_tls13 && s->padding == RSA_PKCS1_PADDING
			           ? NULL
			           : s;
	}
	return NULL;
}

static bool
set_padding(EVP_PKEY_CTX *p, const struct scheme *s)
{
	if (s->type != EVP_PKEY_RSA)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(p, s->padding) > 0 &&
	       (s->padding != RSA_PKCS1_PSS_PADDING ||
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(p, RSA_PSS_SALTLEN_DIGEST) >
		       0);
}

static bool
sign(EVP_MD_CTX *c, EVP_PKEY *key, const struct scheme *s, struct str message,
    struct buf *ret)
{
	EVP_PKEY_CTX *p = NULL;
	size_t len = (size_t)EVP_PKEY_get_size(key);
	unsigned char *room = (unsigned char *)buf_room(ret, len);

	if (room == NULL ||
	    EVP_DigestSignInit_ex(c, &p, s->digest, NULL, NULL, key, NULL) <=
		0 ||
	    !set_padding(p, s))
		return false;
	if (EVP_DigestSign(c, room, &len, (const unsigned char *)message.p,
		message.len) <= 0)
		return false;
	buf_grew(ret, len);
	return true;
}

int
scheme_sign(EVP_PKEY *key, uint64_t number, bool is_tls13, struct str message,
    struct buf *ret)
{
	const struct scheme *s = find_scheme(key, number, is_tls13);
	EVP_MD_CTX *c;
	bool ok;

	if (s == NULL)
		return -EINVAL;
	c = EVP_MD_CTX_new();
	ok = c != NULL && sign(c, key, s, message, ret);
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok ? 0 : -EIO;
}
