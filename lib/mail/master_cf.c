/* SPDX-License-Identifier: ISC */
/*
 * master_cf - parsing of master.cf.
 */
#include "mail/master_cf.h"

#include "base/file.h"
#include "mail/cf_line.h"
#include "mail/conf_body.h"

#include <errno.h>
#include <fcntl.h>

#define ARENA_MAX ((size_t)64 * 1024 * 1024)
#define WORDS_MAX 1000

struct master_cf {
	struct arena arena;
	struct master_service *services;
	size_t count;
	bool is_wrong; /* something was an error, which was said */
};

/* One line, split. */
struct line {
	struct conf_setting at;
	struct str words[WORDS_MAX];
	size_t n;
};

enum column {
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_PRIVATE,
	COLUMN_UNPRIVILEGED,
	COLUMN_CHROOT,
	COLUMN_WAKEUP,
	COLUMN_PROCESSES,
	COLUMN_COMMAND,
};

static bool
is_one_of(struct str s, const char *words)
{
	struct str rest = str_c(words), word;

	while (!str_is_empty(word = str_word(&rest, " ")))
		if (str_eq(word, s))
			return true;
	return false;
}

/* "60", "60?", "-" */
static bool
is_wakeup(struct str s)
{
	uint64_t n;

	if (str_has_suffix(s, STR("?")))
		s.len--;
	return str_eq(s, STR("-")) || str_parse_u64(s, INT32_MAX, &n) == 0;
}

/* What is wrong with the columns before the command; NULL: nothing. */
static const char *
check_columns(const struct line *in)
{
	const struct str *w = in->words;
	uint64_t n;

	if (in->n <= COLUMN_COMMAND)
		return "there are fewer than 8 columns (name, type, private, "
		       "unprivileged, chroot, wakeup, processes, command)";
	if (!is_one_of(w[COLUMN_TYPE], "inet unix fifo unix-dgram pass"))
		return "the type (column 2) must be inet, unix, fifo, "
		       "unix-dgram or pass";
	if (!is_one_of(w[COLUMN_PRIVATE], "- y n"))
		return "private (column 3) must be y, n or -";
	if (!is_one_of(w[COLUMN_UNPRIVILEGED], "- y n"))
		return "unprivileged (column 4) must be y, n or -";
	if (!is_one_of(w[COLUMN_CHROOT], "- y n"))
		return "chroot (column 5) must be y, n or -";
	if (!is_wakeup(w[COLUMN_WAKEUP]))
		return "wakeup (column 6) must be a number of seconds, perhaps "
		       "with a ?, or -";
	if (!str_eq(w[COLUMN_PROCESSES], STR("-")) &&
	    str_parse_u64(w[COLUMN_PROCESSES], 100000, &n) != 0)
		return "processes (column 7) must be a number or -";
	if (str_is_empty(w[COLUMN_COMMAND]) ||
	    str_has_char(w[COLUMN_COMMAND], '/'))
		return "the command (column 8) must be the name of a program, "
		       "without a path";
	return NULL;
}

/* "name=value" or "name = value". */
static int
add_setting(struct master_service *s, struct str text,
    const struct conf_setting *at, struct conf_remarks *r)
{
	struct conf_setting set = *at;
	const char *why;

	if (cf_line_setting(str_trim(text), &set.name, &set.value, &why) != 0) {
		conf_remark(r, CONF_ERROR, at, "-o %.*s: %s",
		    (int)(text.len < 80 ? text.len : 80), text.p, why);
		return -EINVAL;
	}
	s->settings[s->nsettings++] = set;
	return 0;
}

static void
add_arguments(
    struct master_service *s, const struct line *in, struct conf_remarks *r)
{
	for (size_t i = COLUMN_COMMAND + 1; i < in->n; i++) {
		struct str word = in->words[i];
		if (!str_has_prefix(word, STR("-o"))) {
			s->arguments[s->narguments++] = word;
			continue;
		}
		struct str text = str_from(word, 2);
		if (str_is_empty(text)) {
			if (++i >= in->n) {
				conf_remark(r, CONF_ERROR, &in->at,
				    "nothing stands behind the last -o");
				return;
			}
			text = in->words[i];
		}
		(void)add_setting(s, text, &in->at, r);
	}
}

static void
add_service(struct master_cf *m, const struct line *in,
    uint64_t default_processes, struct conf_remarks *r)
{
	struct master_service *s = &m->services[m->count];
	const struct str *w = in->words;

	*s = (struct master_service){
	    .name = w[COLUMN_NAME],
	    .type = w[COLUMN_TYPE],
	    .processes = default_processes,
	    .command = w[COLUMN_COMMAND],
	    .known = master_command_find(w[COLUMN_COMMAND]),
	    .file = in->at.file,
	    .line = (unsigned)in->at.line,
	};
	for (size_t i = 0; i < 5; i++)
		s->columns[i] = w[COLUMN_PRIVATE + i];
	(void)str_parse_u64(w[COLUMN_PROCESSES], 100000, &s->processes);
	if (s->known == NULL) {
		const char *near = master_command_suggest(s->command);
		conf_remark(r, CONF_ERROR, &in->at,
		    "there is no program %.*s%s%s%s", STR_ARG(s->command),
		    near != NULL ? ": did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
		return;
	}
	s->arguments = arena_array(&m->arena, in->n, sizeof(struct str));
	s->settings = arena_array(&m->arena, in->n, sizeof(*s->settings));
	add_arguments(s, in, r);
	m->count++;
}

static bool
is_taken(const struct master_cf *m, struct str name, struct str type,
    struct conf_remarks *r, const struct conf_setting *at)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct master_service *s = &m->services[i];
		if (!str_eq(s->name, name) || !str_eq(s->type, type))
			continue;
		conf_remark(r, CONF_ERROR, at,
		    "the service %.*s %.*s stands already in line %u",
		    STR_ARG(name), STR_ARG(type), s->line);
		return true;
	}
	return false;
}

/* Words, of which those in { } may hold blanks. */
static const char *
split_words(struct str text, struct line *ret)
{
	struct str word;

	ret->n = 0;
	for (;;) {
		text = str_trim(text);
		if (str_is_empty(text))
			return NULL;
		if (ret->n == WORDS_MAX)
			return "there are too many words";
		if (text.p[0] != '{') {
			ret->words[ret->n++] = str_word(&text, " \t\r\n");
			continue;
		}
		size_t depth = 0, i = 0;
		for (; i < text.len; i++) {
			depth += text.p[i] == '{';
			depth -= text.p[i] == '}';
			if (depth == 0)
				break;
		}
		if (i == text.len)
			return "there is a { without its }";
		word = str_trim(str_sub(text, 1, i - 1));
		ret->words[ret->n++] = word;
		text = str_from(text, i + 1);
	}
}

static void
read_line(struct master_cf *m, struct str text, struct line *in,
    uint64_t default_processes, struct conf_remarks *r)
{
	if (m->count == MASTER_SERVICES_MAX ||
	    arena_left(&m->arena) < 4 * CF_LINE_MAX) {
		conf_remark(r, CONF_ERROR, &in->at, "this file is too long");
		return;
	}
	const char *why = split_words(arena_str(&m->arena, text), in);
	if (why == NULL)
		why = check_columns(in);
	if (why != NULL) {
		conf_remark(r, CONF_ERROR, &in->at, "%s", why);
		return;
	}
	if (is_taken(
		m, in->words[COLUMN_NAME], in->words[COLUMN_TYPE], r, &in->at))
		return;
	add_service(m, in, default_processes, r);
}

/* What the suite always needs: a master.cf need not name it. */
static const struct implied {
	const char *name, *command;
	bool is_transport; /* else one with the command will do */
} implied[] = {
    {"bounce", "bounce", false},
    {"discard", "discard", true},
    {"dns", "dns", false},
    {"error", "error", true},
    {"lmtp", "lmtp", true},
    {"local", "local", true},
    {"lookup", "lookup", false},
    {"mda", "mda", false},
    {"memo", "memo", false},
    {"pickup", "pickup", false},
    {"qmgr", "qmgr", false},
    {"relay", "smtp", true},
    {"retry", "error", true},
    {"smtp", "smtp", true},
    {"virtual", "virtual", true},
};

static bool
has_implied(const struct master_cf *m, const struct implied *i)
{
	if (master_cf_find(m, str_c(i->name)) != NULL)
		return true;
	for (size_t j = 0; !i->is_transport && j < m->count; j++)
		if (str_eq(m->services[j].command, str_c(i->command)))
			return true;
	return false;
}

static void
add_implied(struct master_cf *m, struct line *in, uint64_t default_processes,
    struct conf_remarks *r)
{
	in->at.line = 0;
	for (size_t i = 0; i < sizeof(implied) / sizeof(implied[0]); i++) {
		if (has_implied(m, &implied[i]))
			continue;
		struct str line = arena_strf(&m->arena, "%s unix - - - - - %s",
		    implied[i].name, implied[i].command);
		read_line(m, line, in, default_processes, r);
	}
}

static struct master_cf *
make_from_text(struct str text, struct str file, uint64_t default_processes,
    conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};
	struct master_cf *m = calloc(1, sizeof(*m));
	struct line *in = calloc(1, sizeof(*in));
	struct cf_lines lines;
	struct str line;
	unsigned number;
	const char *why;

	if (m == NULL || in == NULL)
		abort();
	arena_init(&m->arena, ARENA_MAX);
	m->services =
	    arena_array(&m->arena, MASTER_SERVICES_MAX, sizeof(m->services[0]));
	in->at.file = arena_str(&m->arena, file);
	cf_lines_init(&lines, text);
	while (cf_lines_next(&lines, &line, &number, &why)) {
		in->at.line = number;
		if (why != NULL)
			conf_remark(
			    &r, CONF_ERROR, &in->at, "this line %s", why);
		else
			read_line(m, line, in, default_processes, &r);
	}
	cf_lines_done(&lines);
	add_implied(m, in, default_processes, &r);
	free(in);
	m->is_wrong = r.failed;
	return m;
}

static struct master_cf *
settle(struct master_cf *m)
{
	if (m != NULL && m->is_wrong)
		master_cf_free(&m);
	return m;
}

struct master_cf *
master_cf_from_text(struct str text, struct str file,
    uint64_t default_processes, conf_remark_fn say, void *arg)
{
	return settle(make_from_text(text, file, default_processes, say, arg));
}

struct master_cf *
master_cf_read_anyway(
    const char *dir, const struct conf *c, conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};
	BUF_CLEANUP struct buf path = {0}, text = {0};
	buf_init(&path, 8192);
	buf_init(&text, CF_FILE_MAX);

	(void)buf_addf(&path, "%s/master.cf", dir);
	int error =
	    path.full ? -ENAMETOOLONG : file_read(AT_FDCWD, path.p, &text);
	if (error != 0) {
		struct conf_setting at = {.file = buf_str(&path)};
		conf_remark(&r, CONF_ERROR, &at, "cannot be read: %s",
		    strerror(-error));
		return NULL;
	}
	return make_from_text(buf_str(&text), buf_str(&path),
	    (uint64_t)conf_int(c, PARAM_default_process_limit), say, arg);
}

struct master_cf *
master_cf_read(
    const char *dir, const struct conf *c, conf_remark_fn say, void *arg)
{
	return settle(master_cf_read_anyway(dir, c, say, arg));
}

void
master_cf_free(struct master_cf **m)
{
	if (*m == NULL)
		return;
	arena_done(&(*m)->arena);
	free(*m);
	*m = NULL;
}

bool
master_cf_is_wrong(const struct master_cf *m)
{
	return m->is_wrong;
}

size_t
master_cf_count(const struct master_cf *m)
{
	return m->count;
}

const struct master_service *
master_cf_at(const struct master_cf *m, size_t i)
{
	return &m->services[i];
}

const struct master_service *
master_cf_find(const struct master_cf *m, struct str name)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct master_service *s = &m->services[i];
		if (str_eq(s->name, name) && !str_eq(s->type, STR("inet")) &&
		    !str_eq(s->type, STR("pass")))
			return s;
	}
	return NULL;
}
