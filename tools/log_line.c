/* SPDX-License-Identifier: ISC */
/* log_line - the grammar of Postfix's log lines, as far as a life needs it. */
#include "log_line.h"

#include <stddef.h>
#include <string.h>

#define ID_MIN       6
#define ID_LONG_MIN  12
#define ID_MAX       32
#define STAMP_BSD    15 /* "Nov 24 09:00:01" */
#define LONG_LETTERS "BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

static bool
consists_of(struct str s, const char *letters)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\0' || strchr(letters, s.p[i]) == NULL)
			return false;
	return true;
}

bool
log_line_is_id(struct str s)
{
	if (s.len < ID_MIN || s.len > ID_MAX)
		return false;
	return consists_of(s, "0123456789ABCDEF") ||
	       (s.len >= ID_LONG_MIN &&
		   consists_of(s, "0123456789" LONG_LETTERS));
}

/* Take `n` bytes and the blank behind them. */
static bool
take_stamp(struct str *rest, size_t n, struct str *ret)
{
	if (rest->len <= n || rest->p[n] != ' ')
		return false;
	*ret = str_sub(*rest, 0, n);
	*rest = str_from(*rest, n + 1);
	return true;
}

/* "Nov 24 09:00:01", or a word that begins as "2026-11-24T". */
static bool
parse_stamp(struct str *rest, struct str *ret)
{
	ptrdiff_t end;

	if (rest->len < STAMP_BSD)
		return false;
	if (str_is_digit_char(rest->p[0])) {
		end = str_find(*rest, ' ');
		return end > 10 && rest->p[4] == '-' && rest->p[10] == 'T' &&
		       take_stamp(rest, (size_t)end, ret);
	}
	return rest->p[3] == ' ' && rest->p[6] == ' ' && rest->p[9] == ':' &&
	       take_stamp(rest, STAMP_BSD, ret);
}

/* "postfix/submission/smtpd[12]: ", with or without the number. */
static bool
parse_tag(struct str *rest, struct str *ret_program)
{
	ptrdiff_t end = str_find_str(*rest, STR(": "));
	ptrdiff_t bracket, slash;
	struct str tag;

	if (end <= 0)
		return false;
	tag = str_sub(*rest, 0, (size_t)end);
	bracket = str_find(tag, '[');
	if (bracket >= 0)
		tag = str_sub(tag, 0, (size_t)bracket);
	slash = str_find_last(tag, '/');
	*ret_program = str_from(tag, (size_t)(slash + 1));
	*rest = str_from(*rest, (size_t)end + 2);
	return !str_has_char(tag, ' ') && ret_program->len > 0;
}

static void
skip_prefix(struct str *rest, struct str prefix)
{
	if (str_has_prefix(*rest, prefix))
		*rest = str_from(*rest, prefix.len);
}

/* syslog's "<22>" in front. */
static void
skip_priority(struct str *rest)
{
	ptrdiff_t end = str_find(str_sub(*rest, 0, 5), '>');

	if (end > 1 && rest->p[0] == '<')
		*rest = str_from(*rest, (size_t)end + 1);
}

bool
log_line_parse(struct str line, struct log_line *ret)
{
	struct log_line l = {.id = STR_NONE};
	struct str rest = line, head, tail;

	skip_priority(&rest);
	if (!parse_stamp(&rest, &l.stamp))
		return false;
	/* The host. */
	if (!str_cut(rest, ' ', NULL, &rest) || !parse_tag(&rest, &l.program))
		return false;
	skip_prefix(&rest, STR("warning: "));
	skip_prefix(&rest, STR("error: "));
	l.event = rest;
	if (str_cut(rest, ':', &head, &tail) &&
	    (log_line_is_id(head) || str_eq(head, STR("NOQUEUE")))) {
		l.id = head;
		l.event = tail;
		skip_prefix(&l.event, STR(" "));
	}
	*ret = l;
	return true;
}

static bool
is_name_char(char c)
{
	return str_is_alnum_char(c) || c == '-' || c == '_';
}

/* Up to the '>' that ends the value: a comma, a blank or nothing is next. */
static size_t
value_size(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '>')
			continue;
		if (i + 1 == s.len || s.p[i + 1] == ',' || s.p[i + 1] == ' ')
			return i;
	}
	return s.len;
}

bool
log_line_field(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	ptrdiff_t at = str_find_str(*rest, STR("=<"));
	size_t begin, size;
	struct str value;

	if (at < 0)
		return false;
	begin = (size_t)at;
	while (begin > 0 && is_name_char(rest->p[begin - 1]))
		begin--;
	*ret_name = str_sub(*rest, begin, (size_t)at - begin);
	value = str_from(*rest, (size_t)at + 2);
	size = value_size(value);
	*ret_value = str_sub(value, 0, size);
	*rest = str_from(value, size);
	return true;
}

static bool
is_about(struct str value, struct str who)
{
	if (who.len > 0 && who.p[0] == '@')
		return str_has_suffix_case(value, who);
	return str_eq_case(value, who);
}

bool
log_line_names(const struct log_line *l, struct str who)
{
	static const char *const names[] = {
	    "from", "to", "orig_to", "message-id", "resent-message-id"};
	struct str rest = l->event, name, value;

	while (log_line_field(&rest, &name, &value)) {
		if (!is_about(value, who))
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (str_eq(name, str_c(names[i])))
				return true;
	}
	return false;
}

/* What stands behind the last `mark`, up to one of `ends`. */
static struct str
word_behind(struct str s, struct str mark, const char *ends)
{
	ptrdiff_t at = -1, next;

	for (struct str rest = s; (next = str_find_str(rest, mark)) >= 0;
	     rest = str_from(rest, (size_t)next + mark.len))
		at = rest.p - s.p + next;
	if (at < 0)
		return STR_NONE;
	s = str_from(s, (size_t)at + mark.len);
	for (size_t i = 0; i < s.len; i++)
		if (strchr(ends, s.p[i]) != NULL)
			return str_sub(s, 0, i);
	return s;
}

/* The first ", status=": what a host said stands behind it. */
struct str
log_line_status(const struct log_line *l)
{
	ptrdiff_t at = str_find_str(l->event, STR(", status="));
	struct str rest;

	if (at < 0 || !str_has_prefix(l->event, STR("to=<")))
		return STR_NONE;
	rest = str_from(l->event, (size_t)at + sizeof(", status=") - 1);
	return str_word(&rest, " ,");
}

/* "127.0.0.1[127.0.0.1]:10025", "host[::1]:25", "host[private/filter]". */
static bool
is_this_host(const struct log_line *l)
{
	struct str relay = word_behind(l->event, STR(", relay="), ",");
	struct str address;

	if (!str_cut(relay, '[', NULL, &address))
		return false;
	return str_has_prefix(address, STR("127.")) ||
	       str_has_prefix(address, STR("::1]")) ||
	       str_has_prefix(address, STR("private/")) ||
	       str_has_prefix(address, STR("/"));
}

static enum log_tie
delivery_tie(const struct log_line *l, struct str *ret_id)
{
	if (!str_eq(log_line_status(l), STR("sent")))
		return LOG_NO_TIE;
	*ret_id = word_behind(l->event, STR("(forwarded as "), ")");
	if (log_line_is_id(*ret_id))
		return LOG_FORWARDED;
	*ret_id = word_behind(l->event, STR("queued as "), " )");
	/* SECURITY: a far host that says an id of ours joins no lives. */
	return log_line_is_id(*ret_id) && is_this_host(l) ? LOG_HANDED_ON
	                                                  : LOG_NO_TIE;
}

static enum log_tie
origin_tie(const struct log_line *l, struct str *ret_id)
{
	if (str_has_prefix(l->event, STR("uid=")))
		*ret_id = word_behind(l->event, STR(" orig_id="), " ,");
	else if (str_has_prefix(l->event, STR("client=")))
		*ret_id = word_behind(l->event, STR(", orig_queue_id="), " ,");
	else
		return LOG_NO_TIE;
	return log_line_is_id(*ret_id) ? LOG_REQUEUED : LOG_NO_TIE;
}

enum log_tie
log_line_tie(const struct log_line *l, struct str *ret_id, struct str *ret_what)
{
	static const struct str notification = STR(" notification");
	struct str what, id;
	enum log_tie tie;

	*ret_what = STR_NONE;
	if (str_cut(l->event, ':', &what, &id) &&
	    str_has_suffix(what, notification)) {
		*ret_what = what;
		*ret_id = str_trim(id);
		return log_line_is_id(*ret_id) ? LOG_NOTIFIED : LOG_NO_TIE;
	}
	tie = delivery_tie(l, ret_id);
	return tie != LOG_NO_TIE ? tie : origin_tie(l, ret_id);
}
