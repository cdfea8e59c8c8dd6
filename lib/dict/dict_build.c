/* SPDX-License-Identifier: ISC */
/* dict_build - makes the files of indexed tables, whole or not at all. */
#include "dict/dict_build.h"
#include "dict/dict.h"
#include "dict/dict_type.h"
#include "dict/entries.h"
#include "dict/target.h"

#include "base/file.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN_MODE 0644

/* "hash:/etc/aliases": false when that is no file of ours. */
static bool
name_source(const struct dict_build *b, struct str spec, struct buf *ret,
    struct buf *why)
{
	const char *const kinds[] = {"btree", "cdb", "dbm", "hash"};
	struct str type, name;

	if (!str_cut(spec, ':', &type, &name)) {
		type = b->default_type;
		name = spec;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!str_eq(type, str_c(kinds[i])) || name.len == 0 ||
		    name.p[name.len - 1] == '/' || str_has_char(name, '\0') ||
		    name.len > 4000)
			continue;
		buf_init(ret, 4096);
		buf_add_str(ret, name);
		return true;
	}
	buf_addf(why,
	    "%.*s: not a table that is kept in a file (hash:, btree:, cdb:)",
	    STR_ARG(str_sub(spec, 0, 200)));
	return false;
}

static int
put_all(struct cdb_make *make, const struct entries *e, bool add_nul)
{
	const struct entry *entry;
	unsigned nul = add_nul ? 1 : 0;

	/* The byte behind a str of an arena is a NUL. */
	TAILQ_FOREACH (entry, &e->all, all)
		if (cdb_make_add(make, entry->key.p,
			(unsigned)entry->key.len + nul, entry->value.p,
			(unsigned)entry->value.len + nul) != 0)
			return -errno;
	return 0;
}

static int
write_table(struct target *t, const struct entries *e, bool add_nul,
    mode_t mode, struct buf *why)
{
	struct cdb_make make;
	int r = cdb_make_start(&make, t->fd) != 0 ? -errno : 0, finished;

	if (r == 0) {
		r = put_all(&make, e, add_nul);
		finished = cdb_make_finish(&make) != 0 ? -errno : 0;
		r = r != 0 ? r : finished;
	}
	if (r != 0) {
		buf_addf(why, "write %s: %s", t->temp.p, strerror(-r));
		return r;
	}
	return target_commit(t, mode, why);
}

/* SECURITY: what is secret is nobody else's, whatever the source is. */
static mode_t
mode_of(const struct dict_build *b, mode_t mode)
{
	if (b->secret != NULL)
		return mode & 0600;
	return b->plain_mode ? PLAIN_MODE : mode & 0777;
}

/* Entries from the source's text, as its owner. */
static int
build_from(const struct dict_build *b, const char *source, struct str text,
    const struct stat *st, struct buf *why)
{
	BUF_CLEANUP struct buf path = {0};
	struct entries e;
	struct target t;
	int r;

	buf_init(&path, 4096);
	buf_addf(&path, "%s.cdb", source);
	r = target_init(&t, buf_str(&path), b->as_root, why);
	if (r == 0) {
		entries_init(&e);
		r = entries_read(&e, b, text, source, path.p, why);
		if (r == 0)
			r = write_table(
			    &t, &e, b->add_nul, mode_of(b, st->st_mode), why);
		entries_done(&e);
	}
	target_done(&t);
	return r;
}

int
dict_build(const struct dict_build *b, struct str spec, struct buf *why)
{
	BUF_CLEANUP struct buf source = {0}, text = {0};
	FD_CLEANUP int fd = -1;
	struct owner owner = {0};
	struct stat st;
	int r;

	if (!name_source(b, spec, &source, why))
		return -EINVAL;
	buf_init(&text, DICT_TEXT_MAX);
	fd = open(source.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = fd < 0 || fstat(fd, &st) != 0 ? -errno : fd_read_rest(fd, &text);
	if (r != 0) {
		buf_addf(why, "open %s: %s", source.p, strerror(-r));
		return r;
	}
	r = b->as_root ? 0 : owner_become(&owner, st.st_uid, st.st_gid);
	if (r == 0)
		r = build_from(b, source.p, buf_str(&text), &st, why);
	else
		buf_addf(why, "cannot become the owner of %s: %s", source.p,
		    strerror(-r));
	owner_return(&owner);
	return r;
}

/* What changes a table that is there. */
struct change {
	const struct dict_build *b;
	struct str text;        /* entries to add ... */
	const struct str *keys; /* ... or keys to take away */
	size_t nkeys;
	size_t removed;
};

static void
add_old(void *arg, struct str key, struct str value)
{
	/* A cdb may hold a key twice; the first one is the one that counts. */
	entries_put(arg, key, value, DICT_BUILD_IGNORE);
}

static int
open_existing(void *arg, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

static int
read_old(struct entries *e, const char *source, struct buf *why)
{
	const struct dict_env env = {
	    .open = open_existing, .default_type = STR("cdb")};
	BUF_CLEANUP struct buf spec = {0};
	struct dict *d;
	enum find f;

	buf_init(&spec, 4200);
	buf_addf(&spec, "cdb:%s", source);
	d = dict_open(&env, buf_str(&spec), why);
	if (d == NULL)
		return -EIO;
	f = dict_each(d, add_old, e);
	dict_free(&d);
	if (f == FIND_YES)
		return 0;
	buf_addf(why, "%s.cdb: not a whole cdb file", source);
	return -EIO;
}

static int
apply(struct change *c, const char *source, const struct stat *old,
    struct buf *why)
{
	BUF_CLEANUP struct buf path = {0};
	struct entries e;
	struct target t;
	int r;

	buf_init(&path, 4096);
	buf_addf(&path, "%s.cdb", source);
	entries_init(&e);
	r = target_init(&t, buf_str(&path), c->b->as_root, why);
	if (r == 0 && old != NULL)
		r = read_old(&e, source, why);
	if (r == 0)
		r = entries_read(&e, c->b, c->text, "stdin", path.p, why);
	for (size_t i = 0; r == 0 && i < c->nkeys; i++)
		c->removed +=
		    entries_del(&e, entries_key(&e, c->b, c->keys[i]));
	/* Nothing to take away: the table stays as it is. */
	if (r == 0 && (c->nkeys == 0 || c->removed > 0))
		r = write_table(&t, &e, c->b->add_nul,
		    old != NULL            ? old->st_mode & 0777
		    : c->b->secret != NULL ? 0600
					   : PLAIN_MODE,
		    why);
	entries_done(&e);
	target_done(&t);
	return r;
}

static int
change(struct change *c, struct str spec, struct buf *why)
{
	BUF_CLEANUP struct buf source = {0}, path = {0};
	struct owner owner = {0};
	bool is_old;
	struct stat st;
	int r = 0;

	if (!name_source(c->b, spec, &source, why))
		return -EINVAL;
	buf_init(&path, 4096);
	buf_addf(&path, "%s.cdb", source.p);
	is_old = stat(path.p, &st) == 0;
	if (!is_old && (errno != ENOENT || c->nkeys > 0)) {
		r = -errno;
		buf_addf(why, "open database %s: %s", path.p, strerror(-r));
		return r;
	}
	if (is_old && !c->b->as_root)
		r = owner_become(&owner, st.st_uid, st.st_gid);
	if (r == 0)
		r = apply(c, source.p, is_old ? &st : NULL, why);
	else
		buf_addf(why, "cannot become the owner of %s: %s", path.p,
		    strerror(-r));
	owner_return(&owner);
	return r;
}

int
dict_build_add(const struct dict_build *b, struct str spec, struct str text,
    struct buf *why)
{
	struct change c = {.b = b, .text = text};

	return change(&c, spec, why);
}

int
dict_build_delete(const struct dict_build *b, struct str spec,
    const struct str *keys, size_t n, size_t *ret_n, struct buf *why)
{
	struct change c = {.b = b, .keys = keys, .nkeys = n};
	int r = change(&c, spec, why);

	if (r == 0)
		*ret_n = c.removed;
	return r;
}
