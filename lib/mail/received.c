/* SPDX-License-Identifier: ISC */
/* received - the trace line.  Owns nothing. */
#include "mail/received.h"

#include "mail/date.h"

#include <errno.h>
#include <string.h>

#define SHOWN_MAX 255

/* SECURITY: a HELO argument is any text; here it cannot end the word, the
 * comment or the field that it stands in. */
static void
add_shown(struct buf *out, struct str s)
{
	s = str_sub(s, 0, SHOWN_MAX);
	if (s.len == 0)
		buf_add_char(out, '?');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool is_plain =
		    c > ' ' && c < 0x7f && strchr("<>()\\\";@", c) == NULL;

		buf_add_char(out, is_plain ? c : '?');
	}
}

/* Within a comment (RFC 5322 section 3.2.2): no parenthesis, no backslash. */
static void
add_comment(struct buf *out, struct str s)
{
	size_t at = out->len;

	buf_add_shown(out, str_sub(s, 0, SHOWN_MAX));
	for (; at < out->len; at++)
		if (strchr("()\\", out->p[at]) != NULL)
			out->p[at] = '?';
}

static void
add_client(struct buf *out, const struct received *r)
{
	buf_add_c(out, "from ");
	add_shown(out, r->helo);
	buf_add_c(out, " (");
	add_shown(out, r->client_name);
	buf_add_c(out, " [");
	if (str_has_char(r->client_addr, ':') &&
	    !str_has_prefix_case(r->client_addr, STR("IPv6:")))
		buf_add_c(out, "IPv6:");
	add_shown(out, r->client_addr);
	buf_add_c(out, "])\n");
	buf_add_str(out, r->tls);
	buf_add_char(out, '\t');
	if (r->login.len == 0)
		return;
	buf_add_c(out, "(Authenticated sender: ");
	add_comment(out, r->login);
	buf_add_c(out, ")\n\t");
}

int
received_format(const struct received *r, struct buf *out)
{
	size_t start = out->len;
	char date[DATE_TEXT_MAX];

	date_format(r->arrival, date);
	buf_add_c(out, "Received: ");
	if (r->from == RECEIVED_FROM_CLIENT)
		add_client(out, r);
	buf_addf(
	    out, "by %.*s (%.*s", STR_ARG(r->hostname), STR_ARG(r->mail_name));
	if (r->from == RECEIVED_FROM_USER)
		buf_addf(out, ", from userid %llu", (unsigned long long)r->uid);
	if (r->from == RECEIVED_FROM_CLIENT)
		buf_addf(out, ") with %.*s id ", STR_ARG(r->proto));
	else
		buf_add_c(out, ")\n\tid ");
	buf_add_str(out, r->id);
	if (r->recipient.len > 0)
		buf_addf(out, "\n\tfor <%.*s>", STR_ARG(r->recipient));
	buf_addf(out, "; %s\n", date);
	if (!out->full)
		return 0;
	buf_cut(out, start);
	return -EMSGSIZE;
}
