/* SPDX-License-Identifier: ISC */
/* postcat_show - the records of a message, in the order of Postfix's files. */
#include "postcat_show.h"

#include "plain.h"

#include "base/clock.h"
#include "mail/header.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX 4096

enum part {
	ENVELOPE,
	HEADER,
	BODY,
};

struct showing {
	const struct postcat_view *view;
	const struct postcat_message *message;
	uint64_t at;  /* where the next record begins */
	bool is_mute; /* measures, and prints nothing */
};

/* A record: its type, the length in bytes of 7 bits, the payload. */
static uint64_t
record_size(uint64_t payload)
{
	uint64_t size = 2 + payload;

	for (uint64_t n = payload; n > 0x7f; n >>= 7)
		size++;
	return size;
}

/* False: it is not shown. */
static bool
begin(struct showing *s, enum part part, char type, uint64_t payload)
{
	const struct postcat_view *v = s->view;
	const bool shown[] = {
	    [ENVELOPE] = v->has_envelope,
	    [HEADER] = v->has_header,
	    [BODY] = v->has_body,
	};
	uint64_t at = s->at;

	s->at += record_size(payload);
	if (s->is_mute || !shown[part] || at < v->from)
		return false;
	if (v->has_offsets)
		fprintf(v->out, "%9llu ", (unsigned long long)at);
	if (v->has_types)
		fprintf(v->out, "%3d ", type);
	return true;
}

static void
show_text(struct showing *s, char type, const char *name, struct str text)
{
	if (!begin(s, ENVELOPE, type, text.len))
		return;
	fprintf(s->view->out, "%s: ", name);
	plain_print(s->view->out, text);
	fputc('\n', s->view->out);
}

static void show_attribute(struct showing *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
show_attribute(struct showing *s, const char *fmt, ...)
{
	char text[VALUE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show_text(s, 'A', "named_attribute", str_c(text));
}

static void
show_time(struct showing *s, char type, const char *name, int64_t when,
    uint64_t payload)
{
	time_t seconds = (time_t)(when / CLOCK_SEC);
	char date[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	if (begin(s, ENVELOPE, type, payload))
		fprintf(s->view->out, "%s: %s\n", name, date);
}

static void
show_marker(struct showing *s, char type, const char *text)
{
	if (begin(s, ENVELOPE, type, 0))
		fprintf(
		    s->view->out, "*** %s %s ***\n", text, s->message->name);
}

/* "name[address]" */
static void
show_client(struct showing *s, const struct envelope *e)
{
	ptrdiff_t open = str_find_last(e->client, '[');
	struct str name = e->client, address = STR_NONE;

	if (open > 0 && e->client.p[e->client.len - 1] == ']') {
		name = str_sub(e->client, 0, (size_t)open);
		address = str_sub(e->client, (size_t)open + 1,
		    e->client.len - (size_t)open - 2);
	}
	show_attribute(s, "log_client_name=%.*s", STR_ARG(name));
	show_attribute(s, "log_client_address=%.*s", STR_ARG(address));
	show_attribute(s, "log_message_origin=%.*s", STR_ARG(e->client));
	show_attribute(s, "log_helo_name=%.*s", STR_ARG(e->helo));
	show_attribute(s, "log_protocol_name=%.*s", STR_ARG(e->proto));
	if (e->login.len > 0)
		show_attribute(s, "sasl_username=%.*s", STR_ARG(e->login));
	show_attribute(s, "client_name=%.*s", STR_ARG(name));
	show_attribute(s, "client_address=%.*s", STR_ARG(address));
	show_attribute(s, "helo_name=%.*s", STR_ARG(e->helo));
	show_attribute(s, "protocol_name=%.*s", STR_ARG(e->proto));
}

static void
show_recipient(struct showing *s, const struct recipient *r, bool is_done)
{
	if (r->orcpt.len > 0)
		show_attribute(s, "dsn_orig_rcpt=%.*s", STR_ARG(r->orcpt));
	if (r->notify != 0)
		show_attribute(
		    s, "notify_flags=%llu", (unsigned long long)r->notify);
	show_text(s, 'O', "original_recipient",
	    r->original.len > 0 ? r->original : r->address);
	if (is_done)
		show_text(s, 'D', "done_recipient", r->address);
	else
		show_text(s, 'R', "recipient", r->address);
}

static void
show_envelope(struct showing *s, uint64_t data_at)
{
	const struct envelope *e = s->message->envelope;
	const struct recipient *r = e->recipients.p;
	bool is_local = str_eq(e->client, STR("local")) || e->client.len == 0;
	char sizes[VALUE_MAX];

	snprintf(sizes, sizeof(sizes), "%15llu %15llu %15zu %15d %15llu %15llu",
	    (unsigned long long)e->size, (unsigned long long)data_at,
	    e->recipients.n, 0, (unsigned long long)e->size,
	    (unsigned long long)e->utf8);
	show_text(s, 'C', "message_size", str_c(sizes));
	show_time(s, 'T', "message_arrival_time", e->arrival,
	    sizeof("1700000000 123456") - 1);
	show_time(s, 'A', "create_time", e->arrival,
	    sizeof("create_time=1700000000") - 1);
	if (e->filter.len > 0)
		show_text(s, 'L', "content_filter", e->filter);
	show_attribute(s, "log_ident=%.*s", STR_ARG(e->id));
	show_attribute(s, "rewrite_context=%s", is_local ? "local" : "remote");
	if (e->envid.len > 0)
		show_attribute(s, "envelope_id=%.*s", STR_ARG(e->envid));
	if (e->ret != 0)
		show_attribute(s, "ret_flags=%llu", (unsigned long long)e->ret);
	if (s->message->full_name.len > 0)
		show_text(s, 'F', "sender_fullname", s->message->full_name);
	show_text(s, 'S', "sender", e->sender);
	if (!is_local)
		show_client(s, e);
	for (size_t i = 0; i < e->recipients.n; i++)
		show_recipient(
		    s, &r[i], s->message->done != NULL && s->message->done[i]);
}

/* The header ends at the first line that does not look like it. */
static void
show_content(struct showing *s)
{
	const struct postcat_view *v = s->view;
	struct str rest = s->message->content, line;
	enum part part = HEADER;
	struct header h;

	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (part == HEADER && !header_is_folded(line) &&
		    !header_parse_line(line, &h))
			part = BODY;
		if (!begin(s, part, 'N', line.len))
			continue;
		if (v->is_verbose)
			fputs("regular_text: ", v->out);
		fwrite(line.p, 1, line.len, v->out);
		fputc('\n', v->out);
	}
}

void
postcat_show(const struct postcat_view *v, const struct postcat_message *m)
{
	struct showing measure = {.view = v, .message = m, .is_mute = true};
	struct showing s = {.view = v, .message = m};

	show_envelope(&measure, 0);
	if (v->has_envelope && v->from == 0)
		fprintf(v->out, "*** ENVELOPE RECORDS %s ***\n", m->name);
	show_envelope(&s, measure.at + record_size(0));
	show_marker(&s, 'M', "MESSAGE CONTENTS");
	show_content(&s);
	show_marker(&s, 'X', "HEADER EXTRACTED");
	show_attribute(
	    &s, "encoding=%s", m->envelope->body_8bit ? "8bit" : "7bit");
	show_marker(&s, 'E', "MESSAGE FILE END");
}
