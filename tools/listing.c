/* SPDX-License-Identifier: ISC */
/*
 * listing - the queue as postqueue(1) shows it.  The look is that of Postfix
 * with long queue ids, to the letter: scripts read it.
 */
#include "listing.h"

#include "plain.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define COLUMNS    "%-17s %8s %-19s %s\n"
#define REASON_END 76 /* columns for the reason, without its parentheses */
#define NULL_NAME  "MAILER-DAEMON"

static struct str
sender_of(const struct admin_entry *e)
{
	return e->sender.len > 0 ? e->sender : STR(NULL_NAME);
}

static const char *
mark_of(const struct admin_entry *e)
{
	if (str_eq(e->queue, STR("active")))
		return "*";
	if (str_eq(e->queue, STR("hold")))
		return "!";
	return e->forced_expire ? "#" : "";
}

static void
print_head(struct listing *l, const struct admin_entry *e)
{
	time_t seconds = (time_t)(e->arrival / CLOCK_SEC);
	char id[64], date[64] = "";
	struct tm tm;

	if (l->count == 0)
		fprintf(l->out, COLUMNS, "----Queue ID-----", "--Size--",
		    "---Arrival Time----", "--Sender/Recipient------");
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof(date), "%a %b %e %H:%M:%S", &tm);
	snprintf(id, sizeof(id), "%.*s%s", STR_ARG(e->id), mark_of(e));
	fprintf(l->out, "%-17s %8llu %19.19s ", id, (unsigned long long)e->size,
	    date);
	plain_print(l->out, sender_of(e));
	fputc('\n', l->out);
}

static void
print_recipient(FILE *out, const struct admin_recipient *r)
{
	fprintf(out, "%47s", "");
	plain_print(out, r->address);
	fputc('\n', out);
}

static void
print_reason(FILE *out, struct str reason)
{
	int pad = reason.len < REASON_END ? REASON_END - (int)reason.len : 0;

	fprintf(out, "%*s(", pad, "");
	plain_print(out, reason);
	fputs(")\n", out);
}

/* Those that were tried, each reason in front of its row; then the others. */
static void
print_recipients(FILE *out, const struct admin_entry *e)
{
	const struct admin_recipient *r = e->recipients.p;
	struct str last = STR_NONE;

	for (size_t i = 0; i < e->recipients.n; i++) {
		if (r[i].reason.len == 0)
			continue;
		if (!str_eq(r[i].reason, last))
			print_reason(out, r[i].reason);
		last = r[i].reason;
		print_recipient(out, &r[i]);
	}
	for (size_t i = 0; i < e->recipients.n; i++)
		if (r[i].reason.len == 0)
			print_recipient(out, &r[i]);
}

void
listing_entry(struct listing *l, const struct admin_entry *e)
{
	print_head(l, e);
	print_recipients(l->out, e);
	fputc('\n', l->out);
	l->count++;
	l->bytes += e->size;
}

void
listing_end(struct listing *l)
{
	if (l->count == 0)
		fputs("Mail queue is empty\n", l->out);
	else
		fprintf(l->out, "-- %llu Kbytes in %llu Request%s.\n",
		    (unsigned long long)(l->bytes / 1024),
		    (unsigned long long)l->count, l->count == 1 ? "" : "s");
}

static void
print_string(FILE *out, struct str s)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	fputc('"', out);
	for (size_t i = 0, n = 1; i < s.len; i += n) {
		unsigned char c = (unsigned char)s.p[i];
		const char *pair = letters;

		n = c < 0x80 ? 1 : str_shown_len(str_from(s, i));

		while (*pair != '\0' && (unsigned char)*pair != c)
			pair += 2;
		if (*pair != '\0')
			fprintf(out, "\\%c", pair[1]);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else if (n > 0)
			fwrite(s.p + i, 1, n, out);
		else
			fputc('?', out);
		n = n > 0 ? n : 1;
	}
	fputc('"', out);
}

static void
print_member(FILE *out, const char *name, struct str value)
{
	fprintf(out, "\"%s\": ", name);
	print_string(out, value);
}

void
listing_json(struct listing *l, const struct admin_entry *e)
{
	const struct admin_recipient *r = e->recipients.p;
	FILE *out = l->out;

	fputc('{', out);
	print_member(out, "queue_name", e->queue);
	fputs(", ", out);
	print_member(out, "queue_id", e->id);
	fprintf(out,
	    ", \"arrival_time\": %lld, \"message_size\": %llu, "
	    "\"forced_expire\": %s, ",
	    (long long)(e->arrival / CLOCK_SEC), (unsigned long long)e->size,
	    e->forced_expire ? "true" : "false");
	print_member(out, "sender", sender_of(e));
	fputs(", \"recipients\": [", out);
	for (size_t i = 0; i < e->recipients.n; i++) {
		fputs(i == 0 ? "{" : ", {", out);
		print_member(out, "address", r[i].address);
		if (r[i].reason.len > 0) {
			fputs(", ", out);
			print_member(out, "delay_reason", r[i].reason);
		}
		fputc('}', out);
	}
	fputs("]}\n", out);
	l->count++;
}
