/* SPDX-License-Identifier: ISC */
/* form - the forms of what TLS has one sign. */
#include "form.h"

#define BLANKS  64
#define RANDOMS 64 /* the client's and the server's */

/* RFC 8446 section 4.4.3 */
static const char blanks[BLANKS + 1] =
    "                                                                ";

static enum form
parse_13(struct str m)
{
	static const struct {
		struct str context;
		enum form form;
	} contexts[] = {
	    {STR("TLS 1.3, server CertificateVerify\0"), FORM_SERVER_13},
	    {STR("TLS 1.3, client CertificateVerify\0"), FORM_CLIENT_13},
	};

	if (!str_has_prefix(m, str_n(blanks, BLANKS)))
		return FORM_OTHER;
	m = str_from(m, BLANKS);
	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		struct str hash = str_from(m, contexts[i].context.len);

		if (str_has_prefix(m, contexts[i].context) &&
		    (hash.len == 32 || hash.len == 48))
			return contexts[i].form;
	}
	return FORM_OTHER;
}

/* Big-endian, of `n` bytes, off the front of *m; false when it is not there. */
static bool
take_number(struct str *m, size_t n, size_t *ret)
{
	if (m->len < n)
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | (unsigned char)m->p[i];
	*m = str_from(*m, n);
	return true;
}

/* RFC 8422 section 5.4: ServerECDHParams. */
static bool
is_ecdhe(struct str m)
{
	static const struct {
		size_t curve, point;
		bool is_uncompressed;
	} curves[] = {
	    {23, 65, true},  /* secp256r1 */
	    {24, 97, true},  /* secp384r1 */
	    {25, 133, true}, /* secp521r1 */
	    {29, 32, false}, /* x25519 */
	    {30, 56, false}, /* x448 */
	};
	size_t type, curve, len;

	if (!take_number(&m, 1, &type) || type != 3 ||
	    !take_number(&m, 2, &curve) || !take_number(&m, 1, &len))
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (curves[i].curve == curve)
			return len == curves[i].point && m.len == len &&
			       (!curves[i].is_uncompressed || m.p[0] == 4);
	return false;
}

/* RFC 5246 section 7.4.3: ServerDHParams. */
static bool
is_dhe(struct str m)
{
	size_t p, g, y;

	if (!take_number(&m, 2, &p) || p < 256 || p > 1024 || m.len < p)
		return false;
	m = str_from(m, p);
	if (!take_number(&m, 2, &g) || g < 1 || g > p || m.len < g)
		return false;
	m = str_from(m, g);
	return take_number(&m, 2, &y) && y >= 1 && y <= p && m.len == y;
}

static bool
is_server_12(struct str m)
{
	struct str params = str_from(m, RANDOMS);

	return m.len > RANDOMS && (is_ecdhe(params) || is_dhe(params));
}

/* RFC 5246 section 7.3: what comes before a client's CertificateVerify. */
static bool
is_client_12(struct str m)
{
	static const struct {
		size_t type;
		bool may_miss;
	} order[] = {
	    {1, false},  /* ClientHello */
	    {2, false},  /* ServerHello */
	    {11, false}, /* Certificate */
	    {22, true},  /* CertificateStatus */
	    {12, true},  /* ServerKeyExchange */
	    {13, false}, /* CertificateRequest */
	    {14, false}, /* ServerHelloDone */
	    {11, false}, /* Certificate */
	    {16, false}, /* ClientKeyExchange */
	};
	size_t type, len;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct str rest = m;

		if (!take_number(&rest, 1, &type) ||
		    !take_number(&rest, 3, &len) || rest.len < len)
			return false;
		if (type == order[i].type)
			m = str_from(rest, len);
		else if (!order[i].may_miss)
			return false;
	}
	return m.len == 0;
}

enum form
form_parse(struct str message)
{
	enum form form = parse_13(message);

	if (form != FORM_OTHER)
		return form;
	/* SECURITY: the randoms are anybody's to choose; what follows them in
	 * a message of TLS 1.3 is no parameter of a key exchange. */
	if (is_server_12(message))
		return FORM_SERVER_12;
	return is_client_12(message) ? FORM_CLIENT_12 : FORM_OTHER;
}
