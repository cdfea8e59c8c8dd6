/* SPDX-License-Identifier: ISC */
/*
 * template - the file's lines, a template's fields, the $names of its text.
 * The built-in texts are a file like any other.
 */
#include "template.h"

#include "base/clock.h"
#include "mail/header.h"

#include <string.h>

static const char builtin[] =
    "failure_template = <<EOF\n"
    "Charset: us-ascii\n"
    "From: MAILER-DAEMON (Mail Delivery System)\n"
    "Subject: Undelivered Mail Returned to Sender\n"
    "Postmaster-Subject: Postmaster Copy: Undelivered Mail\n"
    "\n"
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message did not reach the recipients below: behind each stands\n"
    "why.  The message, or its header, is attached.\n"
    "\n"
    "To ask for help, write to the postmaster and add this report.\n"
    "\n"
    "                   The mail system\n"
    "EOF\n"
    "delay_template = <<EOF\n"
    "Charset: us-ascii\n"
    "From: MAILER-DAEMON (Mail Delivery System)\n"
    "Subject: Delayed Mail (still being retried)\n"
    "Postmaster-Subject: Postmaster Warning: Delayed Mail\n"
    "\n"
    "This is the mail system at host $myhostname.\n"
    "\n"
    "THIS IS ONLY A WARNING: YOU NEED NOT SEND THE MESSAGE AGAIN.\n"
    "\n"
    "Your message has not reached the recipients below for\n"
    "$delay_warning_time_hours hour(s): behind each stands why.  It will be "
    "tried\n"
    "again until it is $maximal_queue_lifetime_days day(s) old.\n"
    "\n"
    "                   The mail system\n"
    "EOF\n"
    "success_template = <<EOF\n"
    "Charset: us-ascii\n"
    "From: MAILER-DAEMON (Mail Delivery System)\n"
    "Subject: Successful Mail Delivery Report\n"
    "\n"
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message was delivered to the recipients below.  Where it was "
    "passed\n"
    "on to another host, or to others in the recipient's place, you may or\n"
    "may not hear from there.\n"
    "\n"
    "                   The mail system\n"
    "EOF\n";

/* A file being read. */
struct reading {
	const struct conf *conf;
	struct arena *arena;
	struct str rest;
	unsigned line; /* of what was taken last */
	template_say_fn say;
	void *arg;
};

static void
say(const struct reading *r, unsigned line, const char *why)
{
	if (r->say != NULL)
		r->say(r->arg, line, why);
}

static bool
take_line(struct reading *r, struct str *ret)
{
	if (r->rest.len == 0)
		return false;
	r->line++;
	str_cut(r->rest, '\n', ret, &r->rest);
	if (str_has_suffix(*ret, STR("\r")))
		ret->len--;
	return true;
}

/* ---- the text ---- */

static const struct {
	const char *name;
	enum param param;
} times[] = {
    {"bounce_queue_lifetime_", PARAM_bounce_queue_lifetime},
    {"delay_warning_time_", PARAM_delay_warning_time},
    {"maximal_queue_lifetime_", PARAM_maximal_queue_lifetime},
};

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {{"seconds", 1}, {"minutes", 60}, {"hours", 3600}, {"days", 86400},
    {"weeks", 604800}};

static int64_t
unit_of(struct str suffix)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (str_eq(suffix, str_c(units[i].name)))
			return units[i].seconds * CLOCK_SEC;
	return 0;
}

/* False: there is no such value. */
static bool
add_value(const struct reading *r, struct str name, struct buf *out)
{
	struct str value;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct str prefix = str_c(times[i].name);
		int64_t unit;

		if (!str_has_prefix(name, prefix))
			continue;
		unit = unit_of(str_from(name, prefix.len));
		if (unit == 0)
			return false;
		(void)buf_addf(out, "%lld",
		    (long long)(conf_time(r->conf, times[i].param) / unit));
		return true;
	}
	if (!conf_by_name(r->conf, name, &value))
		return false;
	/* A value of several lines is one here. */
	for (size_t i = 0; i < value.len; i++)
		(void)buf_add_char(
		    out, (unsigned char)value.p[i] < ' ' ? ' ' : value.p[i]);
	return true;
}

/* The name behind a dollar, and how many bytes it took; none: 0. */
static size_t
take_name(struct str s, struct str *ret)
{
	char end = s.len == 0      ? '\0'
	           : s.p[0] == '{' ? '}'
	           : s.p[0] == '(' ? ')'
	                           : '\0';
	size_t start = end != '\0', n = start;

	while (n < s.len && (str_is_alnum_char(s.p[n]) || s.p[n] == '_'))
		n++;
	*ret = str_sub(s, start, n - start);
	if (ret->len == 0)
		return 0;
	if (end == '\0')
		return n;
	return n < s.len && s.p[n] == end ? n + 1 : 0;
}

/* NULL, or what is wrong with it. */
static const char *
expand(const struct reading *r, struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		struct str name, rest = str_from(text, i + 1);
		unsigned char c = (unsigned char)text.p[i];
		size_t n;

		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			return "a control character in the text";
		if (c != '$') {
			(void)buf_add_char(out, text.p[i]);
			continue;
		}
		if (str_has_prefix(rest, STR("$"))) {
			(void)buf_add_char(out, '$');
			i++;
			continue;
		}
		n = take_name(rest, &name);
		if (n == 0)
			return "a $ without a name: $$ is the sign itself";
		if (!add_value(r, name, out))
			return "the $name of no parameter";
		i += n;
	}
	return out->full ? "the text is too long" : NULL;
}

/* ---- one template ---- */

static bool
is_charset(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_alnum_char(s.p[i]) &&
		    memchr("-_.:+", s.p[i], 5) == NULL)
			return false;
	return s.len > 0 && s.len <= 64;
}

/* NULL, or what is wrong.  SECURITY: fields are of one clean line. */
static const char *
set_field(struct template *t, struct str name, struct str value)
{
	const struct {
		const char *name;
		struct str *field;
	} fields[] = {{"charset", &t->charset}, {"from", &t->from},
	    {"subject", &t->subject},
	    {"postmaster-subject", &t->postmaster_subject}};

	if (value.len == 0 || value.len > 900)
		return "a field without a value, or with too long a one";
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.p[i] < ' ' ||
		    (unsigned char)value.p[i] >= 0x7f)
			return "a field that is not printable ASCII";
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!str_eq_case(name, str_c(fields[i].name)))
			continue;
		*fields[i].field = value;
		return i == 0 && !is_charset(value) ? "no character set" : NULL;
	}
	return "unknown field: Charset, From, Subject or Postmaster-Subject?";
}

/* Fields, an empty line, the text. */
static const char *
parse(const struct reading *r, struct str body, struct template *t)
{
	BUF_CLEANUP struct buf text = {0};
	const char *why = NULL;
	struct header h;
	buf_init(&text, TEMPLATE_TEXT_MAX);

	while (why == NULL && header_next(&body, &h))
		why = set_field(t, h.name, str_trim(h.value));
	if (why != NULL)
		return why;
	if (!str_has_prefix(body, STR("\n")))
		return "no empty line between the fields and the text";
	body = str_from(body, 1);
	if (!str_is_ascii(body) && str_eq_case(t->charset, STR("us-ascii")))
		return "the text is not ASCII: name its Charset";
	why = expand(r, body, &text);
	t->text = arena_str(r->arena, buf_str(&text));
	return why;
}

/* ---- the file ---- */

/* The lines up to `end`, each with its LF; false: it does not come. */
static bool
take_body(struct reading *r, struct str end, struct buf *out)
{
	struct str line;

	while (take_line(r, &line)) {
		if (str_eq(line, end))
			return true;
		(void)buf_add_str(out, line);
		(void)buf_add_char(out, '\n');
	}
	return false;
}

static int
kind_of(struct str name)
{
	static const char *const names[] = {
	    [BOUNCE_FAILURE] = "failure_template",
	    [BOUNCE_DELAY] = "delay_template",
	    [BOUNCE_SUCCESS] = "success_template",
	    "verify_template",
	};

	for (int i = 0; i <= TEMPLATES; i++)
		if (str_eq(name, str_c(names[i])))
			return i;
	return -1;
}

static void
take_template(
    struct reading *r, struct str name, struct str end, struct templates *t)
{
	BUF_CLEANUP struct buf body = {0};
	unsigned line = r->line;
	struct template made;
	int kind = kind_of(name);
	const char *why;
	buf_init(&body, TEMPLATE_FILE_MAX);

	if (arena_left(r->arena) < 2 * TEMPLATE_FILE_MAX) {
		say(r, line, "no memory for so many templates");
		r->rest = STR_NONE;
		return;
	}
	if (!take_body(r, end, &body)) {
		say(r, line, "the line that ends it is missing");
		return;
	}
	if (kind < 0)
		say(r, line, "unknown name of a template");
	if (kind < 0 || kind == TEMPLATES)
		return;
	made = t->of[kind];
	why = parse(r, arena_str(r->arena, buf_str(&body)), &made);
	if (why != NULL)
		say(r, line, why);
	else
		t->of[kind] = made;
}

void
templates_read(struct templates *t, struct str file, const struct conf *c,
    struct arena *a, template_say_fn say_fn, void *arg)
{
	struct reading r = {
	    .conf = c, .arena = a, .rest = file, .say = say_fn, .arg = arg};
	struct str line, name, value;

	if (file.len > TEMPLATE_FILE_MAX) {
		say(&r, 0, "the file is too large");
		return;
	}
	while (take_line(&r, &line)) {
		line = str_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		str_cut(line, '=', &name, &value);
		value = str_trim(value);
		if (!str_has_prefix(value, STR("<<")) ||
		    str_trim(str_from(value, 2)).len == 0)
			say(&r, r.line, "not \"NAME_template = <<EOF\"");
		else
			take_template(&r, str_trim(name),
			    str_trim(str_from(value, 2)), t);
	}
}

void
templates_init(struct templates *t, const struct conf *c, struct arena *a)
{
	*t = (struct templates){0};
	for (size_t i = 0; i < TEMPLATES; i++)
		t->of[i].postmaster_subject = STR_NONE;
	templates_read(t, str_c(builtin), c, a, NULL, NULL);
}
