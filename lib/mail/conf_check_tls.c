/* SPDX-License-Identifier: ISC */
/*
 * conf_check_tls - the values about TLS: a protocol that does not exist, a
 * cipher with a sign, certificates under a name that is no path.
 */
#include "mail/conf_body.h"

#include "mail/tls_grade.h"

#define WHY_MAX (2 * CONF_VALUE_MAX)

enum kind {
	KIND_PROTOCOLS,
	KIND_EXCLUDED,
	KIND_PATH,
	KIND_DIGEST,
	KIND_OPTIONS,
};

static const struct {
	enum param param;
	enum kind kind;
} kinds[] = {
    {PARAM_smtpd_tls_protocols, KIND_PROTOCOLS},
    {PARAM_smtpd_tls_mandatory_protocols, KIND_PROTOCOLS},
    {PARAM_smtpd_tls_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_smtpd_tls_mandatory_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_smtpd_tls_CAfile, KIND_PATH},
    {PARAM_smtpd_tls_CApath, KIND_PATH},
    {PARAM_smtpd_tls_fingerprint_digest, KIND_DIGEST},
    {PARAM_smtp_tls_protocols, KIND_PROTOCOLS},
    {PARAM_smtp_tls_mandatory_protocols, KIND_PROTOCOLS},
    {PARAM_smtp_tls_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_smtp_tls_mandatory_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_smtp_tls_CAfile, KIND_PATH},
    {PARAM_smtp_tls_CApath, KIND_PATH},
    {PARAM_smtp_tls_fingerprint_digest, KIND_DIGEST},
    {PARAM_lmtp_tls_protocols, KIND_PROTOCOLS},
    {PARAM_lmtp_tls_mandatory_protocols, KIND_PROTOCOLS},
    {PARAM_lmtp_tls_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_lmtp_tls_mandatory_exclude_ciphers, KIND_EXCLUDED},
    {PARAM_lmtp_tls_CAfile, KIND_PATH},
    {PARAM_lmtp_tls_CApath, KIND_PATH},
    {PARAM_lmtp_tls_fingerprint_digest, KIND_DIGEST},
    {PARAM_tls_ssl_options, KIND_OPTIONS},
};

static bool
is_digest(struct str name)
{
	static const char *const digests[] = {"md5", "sha1", "sha224", "sha256",
	    "sha384", "sha512", "sha3-224", "sha3-256", "sha3-384", "sha3-512"};

	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (str_eq_case(name, str_c(digests[i])))
			return true;
	return false;
}

/* `why` stays empty when it is good. */
static void
check_kind(
    const struct conf *c, enum kind kind, struct str text, struct buf *why)
{
	ARENA_CLEANUP struct arena a = {0};
	struct tls_grade g;
	unsigned options;

	arena_init(&a, WHY_MAX);
	switch (kind) {
	case KIND_PROTOCOLS:
		(void)tls_grade_protocols(text, &g, why);
		break;
	case KIND_EXCLUDED:
		(void)tls_grade_ciphers(c, STR("high"), text, &a, &g, why);
		break;
	case KIND_PATH:
		if (text.len > 0 && text.p[0] != '/')
			buf_addf(why, "\"%.*s\" must begin with a '/'",
			    STR_ARG(text));
		break;
	case KIND_DIGEST:
		if (!is_digest(text))
			buf_addf(why,
			    "\"%.*s\" is no digest that is known: sha256 is",
			    STR_ARG(text));
		break;
	case KIND_OPTIONS:
		(void)tls_grade_options(text, &options, why);
		break;
	}
}

bool
conf_check_tls(const struct conf *c, enum param p,
    const struct conf_setting *at, struct conf_remarks *r)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, WHY_MAX);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].param != p)
			continue;
		check_kind(c, kinds[i].kind, conf_str(c, p), &why);
		if (why.len > 0)
			conf_remark(r, CONF_ERROR, at, "%.*s: %s",
			    STR_ARG(at->name), why.p);
		return true;
	}
	return false;
}
