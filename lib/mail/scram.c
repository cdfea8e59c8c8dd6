/* SPDX-License-Identifier: ISC */
/* scram - keys, proofs, and the attributes of messages. */
#include "mail/scram.h"

#include <errno.h>
#include <string.h>

static struct str
as_str(const unsigned char *p, size_t n)
{
	return str_n((const char *)p, n);
}

static void
xor_into(unsigned char *to, const unsigned char *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] ^= with[i];
}

/* Hi() of section 2.2: U1 is of the salt and INT(1), Un of the one before. */
void
scram_salt(enum hmac_hash h, struct str password, struct str salt,
    uint32_t iterations, unsigned char *ret)
{
	size_t n = hmac_size(h);
	unsigned char u[HMAC_MAX];
	BUF_CLEANUP struct buf first = {0};
	struct hmac_key k;

	buf_init(&first, SCRAM_SALT_MAX + 4);
	buf_add_str(&first, str_sub(salt, 0, SCRAM_SALT_MAX));
	buf_add(&first, "\0\0\0\1", 4);
	hmac_key_init(&k, h, password);
	hmac_keyed(&k, buf_str(&first), u);
	memcpy(ret, u, n);
	for (uint32_t i = 1; i < iterations; i++) {
		hmac_keyed(&k, as_str(u, n), u);
		xor_into(ret, u, n);
	}
	explicit_bzero(u, sizeof(u));
	explicit_bzero(&k, sizeof(k));
}

void
scram_keys(
    enum hmac_hash h, const unsigned char *salted, struct scram_keys *ret)
{
	struct str key = as_str(salted, hmac_size(h));

	hmac(h, key, STR("Client Key"), ret->client);
	hmac(h, key, STR("Server Key"), ret->server);
	hmac_digest(h, as_str(ret->client, hmac_size(h)), ret->stored);
}

void
scram_proof(enum hmac_hash h, const struct scram_keys *k, struct str auth,
    unsigned char *ret)
{
	size_t n = hmac_size(h);

	hmac(h, as_str(k->stored, n), auth, ret);
	xor_into(ret, k->client, n);
}

bool
scram_proof_is_good(enum hmac_hash h, const struct scram_keys *k,
    struct str auth, struct str proof)
{
	size_t n = hmac_size(h);
	unsigned char client[HMAC_MAX], stored[HMAC_MAX];

	if (proof.len != n)
		return false;
	hmac(h, as_str(k->stored, n), auth, client);
	xor_into(client, (const unsigned char *)proof.p, n);
	hmac_digest(h, as_str(client, n), stored);
	explicit_bzero(client, sizeof(client));
	return scram_is_same(as_str(stored, n), as_str(k->stored, n));
}

void
scram_signature(enum hmac_hash h, const struct scram_keys *k, struct str auth,
    unsigned char *ret)
{
	hmac(h, as_str(k->server, hmac_size(h)), auth, ret);
}

bool
scram_is_same(struct str a, struct str b)
{
	unsigned char differ = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differ |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i];
	return differ == 0;
}

/* ---- messages ---- */

bool
scram_take(struct str *rest, char name, struct str *ret_value)
{
	struct str value, tail;

	if (rest->len < 2 || rest->p[0] != name || rest->p[1] != '=')
		return false;
	str_cut(str_from(*rest, 2), ',', &value, &tail);
	if (value.len == 0)
		return false;
	*ret_value = value;
	*rest = tail;
	return true;
}

bool
scram_is_nonce(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.len > 0;
}

int
scram_name_encode(struct str name, struct buf *out)
{
	int e = 0;

	for (size_t i = 0; i < name.len && e == 0; i++) {
		if (name.p[i] == ',')
			e = buf_add_c(out, "=2C");
		else if (name.p[i] == '=')
			e = buf_add_c(out, "=3D");
		else
			e = buf_add_char(out, name.p[i]);
	}
	return e;
}

int
scram_name_decode(struct str text, struct buf *out)
{
	int e = 0;

	while (text.len > 0 && e == 0) {
		char c = text.p[0];

		if (str_has_prefix(text, STR("=2C")))
			c = ',';
		else if (c == ',' ||
			 (c == '=' && !str_has_prefix(text, STR("=3D"))))
			return -EINVAL;
		e = buf_add_char(out, c);
		text = str_from(text, text.p[0] == '=' ? 3 : 1);
	}
	return e;
}
