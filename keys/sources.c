/* SPDX-License-Identifier: ISC */
/* sources - chains from files that master handed in. */
#include "sources.h"

#include "secret.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#define WHY_MAX   2048
#define LABEL_MAX ((KEYS_FILES_MAX + 1) * (KEYS_PATH_MAX + 2))
#define ARENA_MAX ((size_t)64 * 1024 * 1024)

struct loaded {
	SLIST_ENTRY(loaded) next;
	struct str label; /* its files */
	struct chain_list chains;
};

struct sources {
	const struct dict_env *env;
	const struct sources *old;
	time_t now;
	struct arena arena;
	SLIST_HEAD(, loaded) list;
};

static bool
has_key(const struct chain_reader *r, size_t from)
{
	for (size_t i = from; i < r->n; i++)
		if (r->items[i].key != NULL)
			return true;
	return false;
}

static void
warn_readable(int fd, struct str path)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		log_warning("%.*s: anybody can read the private key in it: "
			    "its mode is %04o, and should be 0600",
		    STR_ARG(path), st.st_mode & 07777);
}

static int
read_file(const struct dict_env *env, struct str path, struct chain_reader *r,
    struct buf *why)
{
	SECRET_CLEANUP struct buf text = {0};
	ARENA_CLEANUP struct arena a = {0};
	FD_CLEANUP int fd = -1;
	size_t before = why->len, items = r->n;
	int e;

	arena_init(&a, 2 * KEYS_PATH_MAX);
	fd = env->open(env->arg, arena_cstr(&a, path));
	e = fd < 0 ? fd : secret_read(fd, CHAIN_TEXT_MAX, &text);
	buf_addf(why, "%.*s: ", STR_ARG(path));
	if (e < 0)
		buf_add_c(why, strerror(-e));
	else
		e = chain_reader_add(r, buf_str(&text), why);
	if (e < 0)
		return e;
	if (has_key(r, items))
		warn_readable(fd, path);
	buf_cut(why, before);
	return 0;
}

static const struct keys_file *
file_at(const struct keys_source *source, size_t i)
{
	return (const struct keys_file *)source->files.p + i;
}

static int
read_files(const struct dict_env *env, const struct keys_source *source,
    struct chain_reader *certs, struct chain_reader *key, struct buf *why)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < source->files.n; i++)
		e = read_file(env, file_at(source, i)->path, certs, why);
	if (e == 0 && source->key_file.len > 0)
		e = read_file(env, source->key_file, key, why);
	return e;
}

int
sources_read(const struct dict_env *env, const struct keys_source *source,
    time_t now, struct chain_list *ret, struct buf *why)
{
	struct chain_reader certs = {0}, key = {0};
	bool has_key_file = source->key_file.len > 0;
	int e = read_files(env, source, &certs, &key, why);

	if (e == 0) {
		buf_addf(why, "%.*s: ", STR_ARG(file_at(source, 0)->path));
		e = chain_reader_make(
		    &certs, has_key_file ? &key : NULL, now, ret, why);
	}
	chain_reader_done(&certs);
	chain_reader_done(&key);
	return e;
}

struct sources *
sources_new(const struct dict_env *env, const struct sources *old, time_t now)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for keys");
	s->env = env;
	s->old = old;
	s->now = now;
	arena_init(&s->arena, ARENA_MAX);
	SLIST_INIT(&s->list);
	return s;
}

void
sources_free(struct sources **sp)
{
	struct sources *s = *sp;
	struct loaded *l;

	*sp = NULL;
	if (s == NULL)
		return;
	SLIST_FOREACH (l, &s->list, next)
		chain_list_done(&l->chains);
	arena_done(&s->arena);
	free(s);
}

static struct loaded *
find(const struct sources *s, struct str label)
{
	struct loaded *l;

	SLIST_FOREACH (l, &s->list, next)
		if (str_eq(l->label, label))
			return l;
	return NULL;
}

static void
add_label(const struct keys_source *source, struct buf *ret)
{
	for (size_t i = 0; i < source->files.n; i++) {
		buf_add_str(ret, file_at(source, i)->path);
		buf_add_char(ret, '\n');
	}
	buf_add_char(ret, '\n');
	buf_add_str(ret, source->key_file);
}

static void
load(
    const struct sources *s, const struct keys_source *source, struct loaded *l)
{
	BUF_CLEANUP struct buf why = {0};
	const struct loaded *old =
	    s->old == NULL ? NULL : find(s->old, l->label);

	buf_init(&why, WHY_MAX);
	if (sources_read(s->env, source, s->now, &l->chains, &why) == 0)
		return;
	if (old != NULL)
		chain_list_add(&l->chains, &old->chains);
	log_warning("%s: refused%s", why.p,
	    l->chains.n > 0 ? ", the old one stays" : "");
}

void
sources_get(
    struct sources *s, const struct keys_source *source, struct chain_list *to)
{
	BUF_CLEANUP struct buf label = {0};
	struct loaded *l;

	if (source->files.n == 0)
		return;
	buf_init(&label, LABEL_MAX);
	add_label(source, &label);
	l = find(s, buf_str(&label));
	if (l == NULL) {
		l = arena_alloc(&s->arena, sizeof(*l));
		l->label = arena_str(&s->arena, buf_str(&label));
		SLIST_INSERT_HEAD(&s->list, l, next);
		load(s, source, l);
	}
	chain_list_add(to, &l->chains);
}
