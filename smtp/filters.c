/* SPDX-License-Identifier: ISC */
/* filters - tables, and what they say. */
#include "filters.h"

#include "base/log.h"
#include "mail/checks.h"
#include "mail/header.h"
#include "reply.h"
#include "settings.h"

#include <errno.h>

#define SHOWN 200 /* bytes of a field in the log */
#define ROOM  ((size_t)1024 * 1024)

static enum param
twin(const struct conf *c, enum param p)
{
	return settings_twin(
	    str_eq(conf_str(c, PARAM_process_name), STR("lmtp")), p);
}

static bool
open_maps(struct maps **ret, const struct conf *c, enum param p,
    const struct dict_env *env, struct buf *why)
{
	*ret = maps_open(env, conf_str(c, twin(c, p)), why);
	return *ret != NULL;
}

bool
filters_open(struct filters *r, const struct conf *c,
    const struct dict_env *env, struct buf *why)
{
	*r = (struct filters){0};
	return open_maps(&r->keywords, c,
		   PARAM_smtp_discard_ehlo_keyword_address_maps, env, why) &&
	       open_maps(&r->replies, c, PARAM_smtp_reply_filter, env, why) &&
	       open_maps(&r->statuses, c, PARAM_smtp_delivery_status_filter,
		   env, why) &&
	       open_maps(&r->header, c, PARAM_smtp_header_checks, env, why) &&
	       generic_open(
		   &r->generic, c, twin(c, PARAM_smtp_generic_maps), env, why);
}

void
filters_done(struct filters *r)
{
	maps_free(&r->keywords);
	maps_free(&r->replies);
	maps_free(&r->statuses);
	maps_free(&r->header);
	generic_done(&r->generic);
}

struct str
filters_keywords(const struct filters *r, const struct ip *server,
    struct str otherwise, struct arena *a)
{
	char text[IP_TEXT_MAX];
	struct str value;

	ip_format(server, text);
	return maps_get(r->keywords, str_c(text), a, &value) == FIND_YES
	           ? value
	           : otherwise;
}

struct str
filters_reply(const struct filters *r, struct str line, struct arena *a)
{
	struct str value;

	if (maps_get(r->replies, line, a, &value) != FIND_YES)
		return line;
	str_cut(value, '\n', &value, NULL);
	return value;
}

/* ---- statuses ---- */

void
filters_status(const struct filters *r, struct outcome *o, struct str id,
    size_t text_max, struct arena *a)
{
	ARENA_CLEANUP struct arena scratch = {0};
	bool was_sent = o->state == OUTCOME_SENT;
	struct str key, value;

	arena_init(&scratch, ROOM);
	key = arena_strf(
	    &scratch, "%.*s %.*s", STR_ARG(o->dsn), STR_ARG(o->text));
	if (maps_get(r->statuses, key, &scratch, &value) != FIND_YES)
		return;
	size_t n = reply_dsn_length(value);
	if (n == 0 || (value.p[0] == '2') != was_sent) {
		log_warning("%.*s: smtp_delivery_status_filter: not in place "
			    "of \"%.*s\": \"%.*s\"",
		    STR_ARG(id), STR_ARG(key), STR_ARG(value));
		return;
	}
	o->dsn = arena_str(a, str_sub(value, 0, n));
	o->state = outcome_from_dsn(o->dsn);
	value = str_trim(str_from(value, n));
	if (value.len > 0)
		o->text = arena_str(a, str_sub(value, 0, text_max));
}

/* ---- the header ---- */

struct check {
	const struct filters *filters;
	struct str id;
	struct buf *out;
	int error;
};

static void
log_action(const struct check *c, const char *action, struct str field,
    struct str text)
{
	log_info("%.*s: %s: header %.*s%s%.*s", STR_ARG(c->id), action,
	    STR_ARG(str_sub(field, 0, SHOWN)), text.len > 0 ? ": " : "",
	    STR_ARG(text));
}

/* What goes out in any case. */
static void
add_line(struct check *c, struct str line)
{
	int e = generic_field(&c->filters->generic, line, c->out);

	if (e != 0)
		c->error = e;
	buf_add_char(c->out, '\n');
}

/* It is late for what becomes of the message as a whole. */
static bool
is_done_here(enum checks_verb verb)
{
	switch (verb) {
	case CHECKS_DUNNO:
	case CHECKS_IGNORE:
	case CHECKS_INFO:
	case CHECKS_PREPEND:
	case CHECKS_REPLACE:
	case CHECKS_STRIP:
	case CHECKS_WARN:
		return true;
	case CHECKS_BCC:
	case CHECKS_DISCARD:
	case CHECKS_FILTER:
	case CHECKS_HOLD:
	case CHECKS_PASS:
	case CHECKS_REDIRECT:
	case CHECKS_REJECT:
		break;
	}
	return false;
}

static void
act(struct check *c, struct str field, struct str answer)
{
	struct checks_action what;
	const char *why = checks_parse(answer, true, &what);

	if (why != NULL || !is_done_here(what.verb)) {
		log_warning("%.*s: smtp_header_checks: %s: \"%.*s\"",
		    STR_ARG(c->id), why != NULL ? why : "too late for this",
		    STR_ARG(str_sub(answer, 0, SHOWN)));
		add_line(c, field);
		return;
	}
	if (checks_word(what.verb) != NULL)
		log_action(c, checks_word(what.verb), field, what.text);
	if (what.verb == CHECKS_PREPEND || what.verb == CHECKS_REPLACE)
		add_line(c, what.text);
	if (what.verb != CHECKS_REPLACE && what.verb != CHECKS_IGNORE &&
	    what.verb != CHECKS_STRIP)
		add_line(c, field);
}

static int
check_field(struct check *c, struct str field)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str value;

	arena_init(&a, ROOM);
	switch (maps_get(c->filters->header,
	    str_sub(field, 0, DICT_SUBJECT_MAX), &a, &value)) {
	case FIND_YES:
		act(c, field, value);
		return c->error;
	case FIND_NO:
		add_line(c, field);
		return c->error;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return -EAGAIN;
}

static int
read_all(struct content *c, size_t size, struct buf *ret)
{
	char *room = buf_room(ret, size);

	if (room == NULL)
		return -EMSGSIZE;
	while (ret->len < size) {
		ssize_t n = content_read(
		    c, ret->len, ret->p + ret->len, size - ret->len);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		buf_grew(ret, (size_t)n);
	}
	return 0;
}

bool
filters_change_header(const struct filters *f)
{
	return !maps_is_empty(f->header) || !generic_is_empty(&f->generic);
}

int
filters_header(const struct filters *r, struct content *c, struct str id,
    struct buf *out, size_t *ret_end)
{
	size_t size = content_header_size(c);
	struct check check = {.filters = r, .id = id, .out = out};
	BUF_CLEANUP struct buf header = {0};
	struct header h;

	buf_init(&header, size + 1);
	int e = read_all(c, size, &header);
	struct str rest = buf_str(&header);
	while (e == 0 && header_next(&rest, &h))
		e = check_field(&check, h.whole);
	if (e != 0)
		return e;
	buf_add_str(out, rest); /* the empty line */
	*ret_end = size;
	return out->full ? -EMSGSIZE : 0;
}
