/* SPDX-License-Identifier: ISC */
/*
 * postconf_edit - a new text of main.cf out of the old one and requests.
 */
#include "postconf.h"

#include "mail/cf_line.h"

#include <errno.h>

struct request {
	struct str name, value;
	bool is_done;
};

static bool
is_ignored(struct str line)
{
	struct str text = str_trim(line);

	return str_is_empty(text) || text.p[0] == '#';
}

static int
parse_requests(enum edit how, char *const *texts, size_t n,
    struct request *requests, struct buf *why)
{
	for (size_t i = 0; i < n; i++) {
		struct request *r = &requests[i];
		struct str text = str_trim(str_c(texts[i]));
		const char *reason;
		*r = (struct request){.name = text};
		if (str_has_char(text, '\n') || str_has_char(text, '\r')) {
			(void)buf_addf(why,
			    "-e, -X or -# accepts no "
			    "multi-line input: \"%s\"",
			    texts[i]);
			return -EINVAL;
		}
		if (how != EDIT_SET) {
			if (str_has_char(text, '=') || str_is_empty(text)) {
				(void)buf_addf(why,
				    "-X or -# wants the name "
				    "of a parameter: \"%s\"",
				    texts[i]);
				return -EINVAL;
			}
			continue;
		}
		if (!str_has_char(text, '=')) {
			(void)buf_addf(why,
			    "missing '=' after attribute name: "
			    "\"%s\"",
			    texts[i]);
			return -EINVAL;
		}
		if (cf_line_setting(text, &r->name, &r->value, &reason) != 0) {
			(void)buf_addf(why, "%s: \"%s\"", reason, texts[i]);
			return -EINVAL;
		}
	}
	return 0;
}

/* The last request for the name that the line sets; NULL: none. */
static struct request *
find_request(struct request *requests, size_t n, struct str line)
{
	struct str name, value;
	const char *why;

	/* A value may go on in the next line: what counts is the name. */
	if (cf_line_setting(line, &name, &value, &why) != 0)
		return NULL;
	for (size_t i = n; i-- > 0;)
		if (str_eq(requests[i].name, name))
			return &requests[i];
	return NULL;
}

static void
add_setting(struct buf *out, struct request *r)
{
	(void)buf_addf(out, "%.*s =%s%.*s\n", STR_ARG(r->name),
	    str_is_empty(r->value) ? "" : " ", STR_ARG(r->value));
	r->is_done = true;
}

static void
copy_line(struct buf *out, struct str line, bool commented)
{
	if (commented)
		(void)buf_add_char(out, '#');
	(void)buf_add_str(out, line);
	(void)buf_add_char(out, '\n');
}

static void
edit_lines(enum edit how, struct str text, struct request *requests, size_t n,
    struct buf *out)
{
	struct request *hit = NULL; /* for the logical line we are in */
	struct str line;

	while (str_line(&text, &line)) {
		if (is_ignored(line)) {
			copy_line(out, line, false);
			continue;
		}
		if (str_is_blank_char(line.p[0])) {
			if (hit == NULL || how == EDIT_COMMENT)
				copy_line(out, line, hit != NULL);
			continue;
		}
		hit = find_request(requests, n, line);
		if (hit == NULL)
			copy_line(out, line, false);
		else if (how == EDIT_COMMENT)
			copy_line(out, line, true);
		else if (how == EDIT_SET && !hit->is_done)
			add_setting(out, hit);
	}
}

int
postconf_edit(enum edit how, struct str text, char *const *texts, size_t n,
    struct buf *ret_text, struct buf *why)
{
	struct request *requests = calloc(n + 1, sizeof(*requests));

	if (requests == NULL)
		abort();
	int r = parse_requests(how, texts, n, requests, why);
	if (r == 0) {
		edit_lines(how, text, requests, n, ret_text);
		for (size_t i = 0; how == EDIT_SET && i < n; i++) {
			/* The last one of a name counts. */
			bool again = false;
			for (size_t j = i + 1; j < n; j++)
				again |=
				    str_eq(requests[i].name, requests[j].name);
			if (!requests[i].is_done && !again)
				add_setting(ret_text, &requests[i]);
		}
	}
	free(requests);
	return r;
}
