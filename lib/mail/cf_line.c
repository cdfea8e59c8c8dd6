/* SPDX-License-Identifier: ISC */
/*
 * cf_line - logical lines out of physical ones.
 */
#include "mail/cf_line.h"

#include <errno.h>

#define NAME_LEN_MAX 255

static bool
is_ignored(struct str line)
{
	struct str text = str_trim(line);

	return str_is_empty(text) || text.p[0] == '#';
}

/* The physical line at the front of in->rest, which is not empty. */
static struct str
look_at_line(const struct cf_lines *in)
{
	struct str rest = in->rest, line;

	(void)str_line(&rest, &line);
	return line;
}

static void
skip_line(struct cf_lines *in)
{
	struct str line;

	(void)str_line(&in->rest, &line);
	in->read++;
}

void
cf_lines_init(struct cf_lines *in, struct str text)
{
	*in = (struct cf_lines){.rest = text};
	buf_init(&in->line, CF_LINE_MAX);
}

void
cf_lines_done(struct cf_lines *in)
{
	buf_done(&in->line);
}

bool
cf_lines_next(struct cf_lines *in, struct str *ret_line, unsigned *ret_number,
    const char **ret_why)
{
	bool began = false, orphan = false;

	buf_reset(&in->line);
	while (!str_is_empty(in->rest)) {
		struct str line = look_at_line(in);
		if (is_ignored(line)) {
			skip_line(in);
			continue;
		}
		bool continues = str_is_blank_char(line.p[0]);
		if (began && !continues)
			break;
		if (!began) {
			began = true;
			orphan = continues;
			*ret_number = in->read + 1;
		}
		(void)buf_add_str(&in->line, line);
		skip_line(in);
	}
	if (!began)
		return false;

	*ret_line = str_trim(buf_str(&in->line));
	*ret_why = NULL;
	if (orphan)
		*ret_why = "begins with a blank, but there is no line before "
			   "it that it could continue";
	else if (in->line.full)
		*ret_why = "is longer than 256 KiB";
	else if (str_has_char(*ret_line, '\0'))
		*ret_why = "holds a NUL byte";
	return true;
}

static bool
is_name_char(char c)
{
	return str_is_alnum_char(c) || c == '_' || c == '-' || c == '.' ||
	       c == ':';
}

int
cf_line_setting(struct str line, struct str *ret_name, struct str *ret_value,
    const char **ret_why)
{
	size_t n = 0;
	while (n < line.len && is_name_char(line.p[n]))
		n++;
	struct str name = str_sub(line, 0, n);
	struct str rest = str_trim(str_from(line, n));

	if (!str_has_prefix(rest, STR("="))) {
		*ret_why = "there is no '=' behind the parameter's name";
		return -EINVAL;
	}
	if (n == 0 || n > NAME_LEN_MAX) {
		*ret_why = "there is no parameter's name before the '='";
		return -EINVAL;
	}
	*ret_name = name;
	*ret_value = str_trim(str_from(rest, 1));
	return 0;
}
