/* SPDX-License-Identifier: ISC */
/* tls_text - a tls_info as text. */
#include "mail/tls_text.h"

#include <string.h>

/* "TLSv1.3 with cipher NAME (256/256 bits)" */
static void
add_cipher(const struct tls_info *info, struct buf *out)
{
	buf_addf(out, "%s with cipher %s (%d/%d bits)", info->protocol,
	    info->cipher, info->bits, info->cipher_bits);
}

/* " (P-256)", or " (2048 bits)", or nothing. */
static void
add_size(const char *curve, int bits, struct buf *out)
{
	if (*curve != '\0')
		buf_addf(out, " (%s)", curve);
	else if (bits > 0)
		buf_addf(out, " (%d bits)", bits);
}

static void
add_kex(const struct tls_info *info, struct buf *out)
{
	buf_addf(out, " key-exchange %s", info->kex);
	add_size(info->kex_curve, info->kex_bits, out);
}

static void
add_signature(const char *whose, const struct tls_signature *g, struct buf *out)
{
	buf_addf(out, " %s-signature %s", whose, g->name);
	add_size(g->curve, g->bits, out);
	if (*g->digest != '\0')
		buf_addf(out, " %s-digest %s", whose, g->digest);
}

void
tls_text_log(const struct tls_info *info, struct buf *out)
{
	add_cipher(info, out);
	if (*info->kex != '\0')
		add_kex(info, out);
	if (*info->server.name != '\0')
		add_signature("server", &info->server, out);
	if (*info->client.name != '\0')
		add_signature("client", &info->client, out);
}

/* SECURITY: a name out of a certificate stands in a quoted string in a
 * comment, and cannot end either. */
static void
add_name(const char *name, struct buf *out)
{
	for (; *name != '\0'; name++) {
		bool is_plain = *name >= ' ' && *name < 0x7f &&
		                strchr("<>()\\\"", *name) == NULL;

		buf_add_char(out, is_plain ? *name : '?');
	}
}

void
tls_text_received(const struct tls_info *info, struct buf *out)
{
	bool has_kex = *info->kex != '\0';

	buf_add_c(out, "\t(using ");
	add_cipher(info, out);
	if (has_kex) {
		buf_add_c(out, "\n\t");
		add_kex(info, out);
	}
	if (*info->server.name != '\0') {
		buf_add_c(out, has_kex ? "" : "\n\t");
		add_signature("server", &info->server, out);
	}
	if (*info->client.name != '\0') {
		buf_add_c(out, "\n\t");
		add_signature("client", &info->client, out);
	}
	buf_add_c(out, ")\n\t(");
	if (info->has_cert) {
		buf_add_c(out, "Client CN \"");
		add_name(info->subject, out);
		buf_add_c(out, "\", Issuer \"");
		add_name(info->issuer, out);
		buf_addf(out, "\" (%s)",
		    info->is_trusted ? "verified OK" : "not verified");
	} else {
		buf_add_c(out, info->asked_cert
				   ? "Client did not present a certificate"
				   : "No client certificate requested");
	}
	buf_add_c(out, ")\n");
}
