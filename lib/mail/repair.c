/* SPDX-License-Identifier: ISC */
/*
 * repair - the header section on its way in.  A field is known by its name
 * from the table below; what has no flag there is passed on line by line.
 */
#include "mail/repair.h"

#include "base/clock.h"
#include "mail/date.h"
#include "mail/header.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	DROP = 1 << 0,  /* is not passed on */
	ADDRS = 1 << 1, /* addresses, to be completed */
	RCPT = 1 << 2,  /* ... that name recipients */
	MSGID = 1 << 3, /* its value is taken note of */
	LOOP = 1 << 4,  /* Delivered-To */
	HOP = 1 << 5,   /* Received */
	DATE = 1 << 6,  /* only to be seen */
	FROM = 1 << 7,
	RESENT = 1 << 8, /* RFC 5322 section 3.6.6 */
	PATH = 1 << 9,   /* an address, which nobody completes */
	SHIFT = 16,      /* of the same bits for Resent- fields in `seen` */
};

struct repair_kind {
	struct str name;
	unsigned flags;
};

#define KIND(name, flags)                                                      \
	{                                                                      \
		{"" name, sizeof(name) - 1}, (flags)                           \
	}
static const struct repair_kind kinds[] = {
    KIND("received", HOP),
    KIND("message-id", MSGID),
    KIND("delivered-to", LOOP),
    KIND("date", DATE),
    KIND("from", ADDRS | FROM),
    KIND("to", ADDRS | RCPT),
    KIND("cc", ADDRS | RCPT),
    KIND("bcc", RCPT | DROP),
    KIND("sender", ADDRS),
    KIND("reply-to", ADDRS),
    KIND("errors-to", ADDRS),
    KIND("return-receipt-to", ADDRS),
    KIND("disposition-notification-to", ADDRS),
    KIND("mail-followup-to", ADDRS),
    KIND("return-path", PATH | DROP),
    KIND("content-length", DROP),
    KIND("resent-message-id", MSGID | RESENT),
    KIND("resent-date", DATE | RESENT),
    KIND("resent-from", ADDRS | FROM | RESENT),
    KIND("resent-to", ADDRS | RCPT | RESENT),
    KIND("resent-cc", ADDRS | RCPT | RESENT),
    KIND("resent-bcc", RCPT | DROP | RESENT),
    KIND("resent-sender", ADDRS | RESENT),
    KIND("resent-reply-to", ADDRS | RESENT),
};
static const struct repair_kind plain = KIND("", 0);

void
repair_init(struct repair *r, const struct repair_rule *rule,
    struct content_builder *out, struct arena *a)
{
	*r = (struct repair){
	    .rule = *rule,
	    .out = out,
	    .arena = a,
	    .kind = &plain,
	    .message_id = STR_NONE,
	};
	buf_init(&r->field, rule->field_max + 1);
}

void
repair_done(struct repair *r)
{
	buf_done(&r->field);
}

static void
fail(struct repair *r, int error)
{
	if (r->error == 0)
		r->error = error;
}

static void
put(struct repair *r, struct str s)
{
	int e = r->error == 0 ? content_append(r->out, s) : 0;

	if (e < 0)
		fail(r, e);
}

static void
put_line(struct repair *r, struct str line)
{
	put(r, line);
	put(r, STR("\n"));
}

static const struct repair_kind *
find_kind(struct str name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_eq_case(kinds[i].name, name))
			return &kinds[i];
	return &plain;
}

bool
repair_holds_addresses(struct str name)
{
	return (find_kind(name)->flags & (ADDRS | RCPT | PATH)) != 0;
}

/* Must all of the field be seen before it is passed on? */
static bool
needs_gathering(const struct repair *r, unsigned flags)
{
	return (flags & (MSGID | LOOP)) != 0 ||
	       ((flags & ADDRS) != 0 && r->rule.complete) ||
	       ((flags & RCPT) != 0 && r->rule.recipient != NULL);
}

static struct str
unfold(struct repair *r, struct str value)
{
	struct str s = STR_NONE;
	struct buf b;

	buf_init(&b, ADDR_MAX * 2);
	if (header_unfold(value, &b) == 0)
		s = arena_str(r->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static void
note_message_id(struct repair *r, struct str value, bool is_resent)
{
	struct str id = unfold(r, value);

	if (r->message_id.len > 0 && !is_resent)
		return;
	r->message_id = id;
	r->is_resent = is_resent;
}

/* SECURITY: what is noted here ends a loop of forwards. */
static void
note_loop(struct repair *r, struct str value)
{
	struct str address = unfold(r, value);
	struct addr a;

	if (r->nloops == ENVELOPE_LOOPS_MAX || address.len == 0 ||
	    addr_parse(address, &a) < 0)
		return;
	if (r->loops == NULL)
		r->loops = arena_array(
		    r->arena, ENVELOPE_LOOPS_MAX, sizeof(*r->loops));
	r->loops[r->nloops++].address = arena_lower(r->arena, a.text);
}

struct found {
	const struct repair_rule *rule;
	bool is_resent;
};

static void
tell_recipient(void *arg, struct addr a, struct str name)
{
	const struct found *f = arg;

	(void)name;
	f->rule->recipient(f->rule->arg, a, f->is_resent);
}

static void
extract(struct repair *r, struct str value)
{
	struct found f = {&r->rule, (r->kind->flags & RESENT) != 0};
	struct arena a;
	int n;

	arena_init(&a, r->rule.field_max * 64 + 4096);
	n = addr_parse_list(value, ENVELOPE_RCPT_MAX, &a, tell_recipient, &f);
	if (n < 0)
		fail(r, n == -E2BIG ? -EMSGSIZE : n);
	arena_done(&a);
}

/* Pass the gathered field on with its addresses completed; what is no list
 * of addresses goes as it is. */
static void
put_completed(struct repair *r, struct str field, struct str value)
{
	struct buf b;

	buf_init(&b, r->rule.field_max * 2);
	buf_add(&b, field.p, field.len - value.len);
	if (addr_complete_list(value, r->rule.origin, r->rule.mydomain, &b) ==
	    0)
		field = buf_str(&b);
	put_line(r, field);
	buf_done(&b);
}

/* The field at hand is whole. */
static void
end_field(struct repair *r)
{
	unsigned flags = r->kind->flags;
	struct str field, value;

	if (r->field.len == 0 || r->error != 0)
		return;
	field = str_sub(buf_str(&r->field), 0, r->field.len - 1);
	value = str_from(field, (size_t)str_find(field, ':') + 1);
	if ((flags & MSGID) != 0)
		note_message_id(r, value, (flags & RESENT) != 0);
	if ((flags & LOOP) != 0)
		note_loop(r, value);
	if ((flags & RCPT) != 0 && r->rule.recipient != NULL)
		extract(r, value);
	if ((flags & ADDRS) != 0 && r->rule.complete)
		put_completed(r, field, value);
	else if ((flags & DROP) == 0)
		put_line(r, field);
	buf_reset(&r->field);
}

static void
gather(struct repair *r, struct str line)
{
	if (buf_add_str(&r->field, line) < 0 ||
	    buf_add_char(&r->field, '\n') < 0)
		fail(r, -EMSGSIZE);
}

/* A line of a field: its first, or one more. */
static void
take_line(struct repair *r, struct str line)
{
	unsigned flags = r->kind->flags;

	r->bytes += line.len + 1;
	if (r->fields > REPAIR_FIELDS_MAX || r->bytes > REPAIR_BYTES_MAX)
		fail(r, -EMSGSIZE);
	if (r->error != 0)
		return;
	if (needs_gathering(r, flags))
		gather(r, line);
	else if ((flags & DROP) == 0)
		put_line(r, line);
}

static void
begin_field(struct repair *r, const struct header *h)
{
	end_field(r);
	r->kind = find_kind(h->name);
	r->fields++;
	if ((r->kind->flags & HOP) != 0)
		r->hops++;
	if ((r->kind->flags & RESENT) != 0)
		r->seen |= RESENT | r->kind->flags << SHIFT;
	else
		r->seen |= r->kind->flags;
	take_line(r, h->whole);
}

bool
repair_is_from_line(struct str line)
{
	while (line.len > 0 && line.p[0] == '>')
		line = str_from(line, 1);
	return str_has_prefix(line, STR("From "));
}

static void
put_from(struct repair *r, const char *prefix)
{
	static const char specials[] = "()<>[]:;@\\,.\"";
	struct str name = r->rule.full_name;
	struct buf b;
	bool quote = false;

	buf_init(&b, ADDR_MAX * 4);
	for (size_t i = 0; i < name.len; i++)
		quote |= strchr(specials, name.p[i]) != NULL;
	buf_addf(&b, "%sFrom: %s", prefix, quote ? "\"" : "");
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_add_char(&b, '\\');
		buf_add_char(&b, name.p[i]);
	}
	if (quote)
		buf_add_char(&b, '"');
	buf_addf(
	    &b, name.len > 0 ? " <%.*s>" : "%.*s", STR_ARG(r->rule.sender));
	put_line(r, buf_str(&b));
	buf_done(&b);
}

static void
put_message_id(struct repair *r, const char *prefix)
{
	time_t seconds = (time_t)(r->rule.arrival / CLOCK_SEC);
	char stamp[32];
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm);
	r->message_id = arena_strf(r->arena, "<%s.%.*s@%.*s>", stamp,
	    STR_ARG(r->rule.id), STR_ARG(r->rule.hostname));
	r->is_resent = prefix[0] != '\0';
	put_line(r, arena_strf(r->arena, "%sMessage-Id: %.*s", prefix,
			STR_ARG(r->message_id)));
}

static void
add_missing(struct repair *r)
{
	bool resent = (r->seen & RESENT) != 0;
	unsigned seen = resent ? r->seen >> SHIFT : r->seen;
	const char *prefix = resent ? "Resent-" : "";
	char date[DATE_TEXT_MAX];

	if ((seen & MSGID) == 0)
		put_message_id(r, prefix);
	if ((seen & DATE) == 0) {
		date_format(r->rule.arrival, date);
		put_line(r, arena_strf(r->arena, "%sDate: %s", prefix, date));
	}
	if ((seen & FROM) == 0)
		put_from(r, prefix);
	if (((r->seen | r->seen >> SHIFT) & RCPT) == 0 &&
	    r->rule.undisclosed.len > 0)
		put_line(r, r->rule.undisclosed);
}

static void
end_header(struct repair *r)
{
	end_field(r);
	r->kind = &plain;
	r->is_done = true;
	if (r->rule.add_missing && r->error == 0)
		add_missing(r);
}

enum repair_took
repair_line(struct repair *r, struct str line)
{
	struct header h;
	bool is_first = !r->is_begun;

	if (r->is_done)
		return REPAIR_BODY;
	if (is_first && repair_is_from_line(line)) {
		if (!r->rule.is_local)
			put(r, STR("X-Mailbox-Line: "));
		if (!r->rule.is_local)
			put_line(r, line);
		return REPAIR_TOOK;
	}
	r->is_begun = true;
	if (!is_first && header_is_folded(line)) {
		take_line(r, line);
		return REPAIR_TOOK;
	}
	if (header_parse_line(line, &h)) {
		begin_field(r, &h);
		return REPAIR_TOOK;
	}
	end_header(r);
	put(r, STR("\n"));
	return line.len == 0 ? REPAIR_TOOK : REPAIR_BODY;
}

void
repair_end(struct repair *r)
{
	if (!r->is_done)
		end_header(r);
}
