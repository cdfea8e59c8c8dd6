/* SPDX-License-Identifier: ISC */
/* postconf - options, and what they ask for. */
#include "postconf.h"

#include "base/file.h"
#include "base/log.h"
#include "dict/dict.h"
#include "mail/cf_line.h"
#include "mail/master_cf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OVERRIDES_MAX 1000

enum mode {
	MODE_SHOW,
	MODE_EDIT,
	MODE_TYPES,
	MODE_LOCKS
};

struct options {
	struct show show;
	enum mode mode;
	enum edit edit;
	int part; /* 'M', 'F', 'P' of master.cf; 'p', 0: main.cf */
	struct conf_setting *over; /* -o */
	size_t nover;
};

static _Noreturn void
die_usage(void)
{
	log_fatal("usage: postconf [-dfhHnvx] [-c config_dir] "
		  "[-o name=value] [name...] | -e name=value... | "
		  "-# name... | -X name... | -M [service[/type]...] | "
		  "-F [service[/type[/field]]...] | "
		  "-P [service[/type[/parameter]]...] | -Me, -Fe, -Pe "
		  "request=value... | -MX, -M#, -PX request... | -l | -m");
}

static void
add_override(struct options *o, const char *text)
{
	struct conf_setting *s = &o->over[o->nover];
	const char *why;

	if (o->nover == OVERRIDES_MAX)
		log_fatal("more than %d -o options", OVERRIDES_MAX);
	if (cf_line_setting(str_trim(str_c(text)), &s->name, &s->value, &why) !=
	    0)
		log_fatal("-o %s: %s", text, why);
	o->nover++;
}

static void
set_mode(struct options *o, enum mode mode, enum edit edit)
{
	if (o->mode != MODE_SHOW && (o->mode != mode || o->edit != edit))
		log_fatal("specify one of -e, -#, -X, -l, -m");
	o->mode = mode;
	o->edit = edit;
}

static void
set_part(struct options *o, int part)
{
	if (o->part != 0 && o->part != part)
		log_fatal("specify one of -%c -%c", o->part, part);
	o->part = part;
}

static bool
is_master(const struct options *o)
{
	return o->part != 0 && o->part != 'p';
}

/* What does not go with -M, -F or -P. */
static void
check_master_options(const struct options *o)
{
	const struct show *s = &o->show;
	const struct {
		char option;
		bool is_set;
	} others[] = {
	    {'d', s->defaults},
	    {'n', s->only_set},
	    {'h', s->value_only && o->part == 'M'},
	    {'H', s->name_only && o->part == 'M'},
	    {'#', o->mode == MODE_EDIT && o->edit == EDIT_COMMENT &&
		      o->part != 'M'},
	    {'X', o->mode == MODE_EDIT && o->edit == EDIT_DELETE &&
		      o->part == 'F'},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].is_set)
			log_fatal("with option -%c, do not specify -%c",
			    o->part, others[i].option);
}

static void
read_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:defFhHlmMno:pPvxX#")) != -1) {
		switch (c) {
		case 'c':
			o->show.dir = optarg;
			break;
		case 'd':
			o->show.defaults = true;
			break;
		case 'e':
			set_mode(o, MODE_EDIT, EDIT_SET);
			break;
		case 'f':
			o->show.fold = true;
			break;
		case 'h':
			o->show.value_only = true;
			break;
		case 'H':
			o->show.name_only = true;
			break;
		case 'l':
			set_mode(o, MODE_LOCKS, EDIT_SET);
			break;
		case 'm':
			set_mode(o, MODE_TYPES, EDIT_SET);
			break;
		case 'F':
		case 'M':
		case 'p':
		case 'P':
			set_part(o, c);
			break;
		case 'n':
			o->show.only_set = true;
			break;
		case 'o':
			add_override(o, optarg);
			break;
		case 'v':
			break;
		case 'x':
			o->show.expand = true;
			break;
		case 'X':
			set_mode(o, MODE_EDIT, EDIT_DELETE);
			break;
		case '#':
			set_mode(o, MODE_EDIT, EDIT_COMMENT);
			break;
		default:
			die_usage();
		}
	}
	if (o->show.defaults && o->show.only_set)
		log_fatal("specify one of -d and -n");
	if (is_master(o))
		check_master_options(o);
	/* name=value without -e means it. */
	if (o->mode == MODE_SHOW && optind < argc &&
	    strchr(argv[optind], '=') != NULL)
		o->mode = MODE_EDIT;
}

static void
say(void *arg, const struct conf_remark *r)
{
	(void)arg;
	if (r->severity == CONF_NOTE)
		return;
	if (r->line > 0)
		log_warning("%.*s, line %u: %.*s", STR_ARG(r->file), r->line,
		    STR_ARG(r->text));
	else if (r->file.len > 0)
		log_warning("%.*s: %.*s", STR_ARG(r->file), STR_ARG(r->text));
	else
		log_warning("%.*s", STR_ARG(r->text));
}

static struct conf *
read_conf(const struct options *o)
{
	BUF_CLEANUP struct buf path = {0};
	struct conf *c;

	/* What is told by the host must not be told by main.cf. */
	if (o->show.defaults)
		return conf_from_text(
		    o->show.dir, STR_NONE, STR_NONE, say, NULL);
	buf_init(&path, 8192);
	(void)buf_addf(&path, "%s/main.cf", o->show.dir);
	if (access(path.p, R_OK) < 0)
		log_fatal("open %s: %s", path.p, strerror(errno));
	c = conf_read_anyway(o->show.dir, say, NULL);
	if (c == NULL)
		log_fatal("%s cannot be read", path.p);
	if (o->nover == 0)
		return c;
	struct conf *over = conf_overlay(c, o->over, o->nover, say, NULL);
	if (over == NULL)
		log_fatal("a value of -o is not acceptable");
	conf_free(&c);
	return over;
}

/* Where main.cf (master.cf) really is: a link is followed, and the file behind
 * it replaced.  A descriptor of its directory, and its name there. */
static int
open_dir(const struct options *o, struct buf *name)
{
	BUF_CLEANUP struct buf path = {0};
	buf_init(&path, 8192);
	(void)buf_addf(&path, "%s/%s", o->show.dir,
	    is_master(o) ? "master.cf" : "main.cf");
	char *real = realpath(path.p, NULL);

	if (real != NULL) {
		buf_reset(&path);
		(void)buf_add_c(&path, real);
		free(real);
	}
	ptrdiff_t slash = str_find_last(buf_str(&path), '/');
	(void)buf_add_c(name, path.p + slash + 1);
	buf_cut(&path, (size_t)slash);
	int fd = open(
	    path.len > 0 ? path.p : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		log_fatal("open %s: %s", path.p, strerror(errno));
	return fd;
}

static enum master_what
what_of(const struct options *o)
{
	return o->part == 'M'   ? MASTER_ENTRIES
	       : o->part == 'F' ? MASTER_FIELD
	                        : MASTER_PARAMETER;
}

static void
count_error(void *arg, const struct conf_remark *r)
{
	size_t *errors = arg;

	*errors += r->severity == CONF_ERROR;
}

static void
tell_error(void *arg, const struct conf_remark *r)
{
	(void)arg;
	if (r->severity == CONF_ERROR)
		log_error("%.*s, line %u: %.*s", STR_ARG(r->file), r->line,
		    STR_ARG(r->text));
}

/* A change does not make a file wrong that was right. */
static void
check_master_cf(struct str old, struct str new)
{
	size_t before = 0, after = 0;
	struct master_cf *m;

	m = master_cf_from_text(old, STR("master.cf"), 1, count_error, &before);
	master_cf_free(&m);
	m = master_cf_from_text(new, STR("master.cf"), 1, count_error, &after);
	master_cf_free(&m);
	if (after <= before)
		return;
	m = master_cf_from_text(new, STR("master.cf"), 1, tell_error, NULL);
	master_cf_free(&m);
	log_fatal("nothing was changed");
}

static int
edit(const struct options *o, struct str text, char **requests, size_t n,
    struct buf *out, struct buf *why)
{
	int r;

	if (!is_master(o))
		return postconf_edit(o->edit, text, requests, n, out, why);
	r = postconf_edit_master(
	    what_of(o), o->edit, text, requests, n, out, why);
	if (r == 0)
		check_master_cf(text, buf_str(out));
	return r;
}

static void
edit_file(const struct options *o, char **requests, size_t n)
{
	BUF_CLEANUP struct buf name = {0}, text = {0}, out = {0}, why = {0};
	buf_init(&name, 256);
	buf_init(&text, CF_FILE_MAX);
	buf_init(&out, 2 * CF_FILE_MAX);
	buf_init(&why, 4096);
	mode_t mode = 0644;
	struct stat st;

	if (n == 0 && o->edit == EDIT_SET)
		log_fatal("-e requires name=value argument");
	if (n == 0)
		log_fatal("missing %s argument",
		    is_master(o) ? "service" : "parameter");
	FD_CLEANUP int dir = open_dir(o, &name);
	int r = file_read(dir, name.p, &text);
	if (r != 0 && r != -ENOENT)
		log_fatal("open %s/%s: %s", o->show.dir, name.p, strerror(-r));
	if (edit(o, buf_str(&text), requests, n, &out, &why) != 0)
		log_fatal("%s", why.p);
	if (out.full)
		log_fatal("%s would become too long", name.p);
	if (str_eq(buf_str(&out), buf_str(&text)))
		return;
	if (fstatat(dir, name.p, &st, 0) == 0)
		mode = st.st_mode & 07777;
	r = file_replace(dir, name.p, buf_str(&out), mode);
	if (r != 0)
		log_fatal("write %s/%s: %s", o->show.dir, name.p, strerror(-r));
}

static void
show_master(
    const struct options *o, const struct conf *c, char **requests, size_t n)
{
	BUF_CLEANUP struct buf text = {0}, path = {0};
	int r;

	buf_init(&path, 8192);
	buf_init(&text, CF_FILE_MAX);
	(void)buf_addf(&path, "%s/master.cf", o->show.dir);
	r = file_read(AT_FDCWD, path.p, &text);
	if (r != 0)
		log_fatal("open %s: %s", path.p, strerror(-r));
	postconf_show_master(
	    &o->show, c, what_of(o), buf_str(&text), requests, n);
}

static void
show_types(void)
{
	const char *type;

	for (size_t i = 0; (type = dict_type_name(i)) != NULL; i++)
		(void)puts(type);
}

int
main(int argc, char **argv)
{
	struct options o = {.show.dir = getenv("MAIL_CONFIG")};

	log_init("postconf");
	if (o.show.dir == NULL)
		o.show.dir = VALIJA_CONFIG;
	o.over = calloc(OVERRIDES_MAX, sizeof(*o.over));
	if (o.over == NULL)
		abort();
	read_options(&o, argc, argv);
	char **rest = argv + optind;
	size_t n = (size_t)(argc - optind);

	if (o.mode == MODE_EDIT)
		edit_file(&o, rest, n);
	else if (o.mode == MODE_TYPES)
		show_types();
	else if (o.mode == MODE_LOCKS)
		(void)puts("flock\nfcntl\ndotlock");
	else {
		struct conf *c = read_conf(&o);
		if (is_master(&o))
			show_master(&o, c, rest, n);
		else
			postconf_show(&o.show, c, rest, n);
		conf_free(&c);
	}
	free(o.over);
	if (fflush(stdout) != 0)
		log_fatal("write: %s", strerror(errno));
	return 0;
}
