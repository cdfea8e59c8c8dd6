/* SPDX-License-Identifier: ISC */
/* names - server names, and the chains that tables have for them. */
#include "names.h"

#include "secret.h"
#include "sources.h"

#include "base/arena.h"
#include "base/log.h"
#include "mail/base64.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX   2048
#define ARENA_MAX (4 * DICT_VALUE_MAX)
#define SEPARATOR ", \t\r\n"

struct kept {
	unsigned char of[SHA256_DIGEST_LENGTH]; /* the value */
	char key[KEYS_NAME_MAX + 1];            /* of the table */
	uint64_t round;
	struct chain_list chains; /* none: the value is wrong, and was said */
};

struct names {
	const struct dict_env *env;
	struct maps *maps;    /* NULL: none */
	uint64_t round;       /* how many tables there were */
	int64_t before_until; /* those of the rounds before sign */
	bool has_before;      /* and were not sifted yet */
	struct kept *kept;    /* a ring */
	size_t n, next;
};

struct names *
names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		log_fatal("out of memory for server names");
	return n;
}

void
names_free(struct names **np)
{
	struct names *n = *np;

	*np = NULL;
	if (n == NULL)
		return;
	maps_free(&n->maps);
	for (size_t i = 0; i < n->n; i++)
		chain_list_done(&n->kept[i].chains);
	free(n->kept);
	free(n);
}

void
names_renew(
    struct names *n, const struct dict_env *env, struct str tables, int64_t now)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, WHY_MAX);
	maps_free(&n->maps);
	n->env = env;
	n->round++;
	n->before_until = now + KEYS_AFTER;
	n->has_before = n->n > 0;
	if (str_is_empty(str_trim(tables)))
		return;
	n->maps = maps_open(env, tables, &why);
	if (n->maps == NULL)
		log_warning("%s", why.p);
}

bool
names_is_empty(const struct names *n)
{
	return n->maps == NULL;
}

/* SECURITY: of postmap -F it holds a key.  It lies in an arena of ours. */
static void
wipe_value(struct str value)
{
	explicit_bzero((char *)(uintptr_t)value.p, value.len);
}

/* The names of files, or PEM that postmap -F put there. */
static int
read_paths(const struct names *n, struct str value, time_t now,
    struct chain_list *ret, struct buf *why)
{
	struct keys_file files[KEYS_FILES_MAX];
	struct keys_source source = {.files = {.p = files}};
	struct str path;

	while ((path = str_word(&value, SEPARATOR)).len > 0) {
		if (source.files.n == KEYS_FILES_MAX ||
		    path.len > KEYS_PATH_MAX) {
			buf_add_c(why, "too many files");
			return -EINVAL;
		}
		files[source.files.n++].path = path;
	}
	return sources_read(n->env, &source, now, ret, why);
}

static int
read_base64(
    struct str value, time_t now, struct chain_list *ret, struct buf *why)
{
	SECRET_CLEANUP struct buf text = {0};
	struct chain_reader r = {0};
	int e;

	secret_init(&text, DICT_VALUE_MAX);
	e = base64_decode(value, &text);
	if (e < 0)
		buf_add_c(why, "the value is neither files nor base64, as "
			       "postmap -F makes it");
	else
		e = chain_reader_add(&r, buf_str(&text), why);
	if (e == 0)
		e = chain_reader_make(&r, NULL, now, ret, why);
	chain_reader_done(&r);
	return e;
}

static struct kept *
find_kept(const struct names *n, const unsigned char *of)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->kept[i].round == n->round &&
		    memcmp(n->kept[i].of, of, SHA256_DIGEST_LENGTH) == 0)
			return &n->kept[i];
	return NULL;
}

/* The last that was good. */
static const struct kept *
find_old(const struct names *n, struct str key)
{
	const struct kept *found = NULL;

	for (size_t i = 0; i < n->n; i++)
		if (n->kept[i].chains.n > 0 &&
		    str_eq(str_c(n->kept[i].key), key) &&
		    (found == NULL || n->kept[i].round > found->round))
			found = &n->kept[i];
	return found;
}

static struct kept *
new_kept(struct names *n)
{
	struct kept *k;

	if (n->kept == NULL)
		n->kept = calloc(NAMES_KEPT, sizeof(*n->kept));
	if (n->kept == NULL)
		log_fatal("out of memory for server names");
	k = &n->kept[n->next];
	n->next = (n->next + 1) % NAMES_KEPT;
	if (n->n < NAMES_KEPT)
		n->n++;
	chain_list_done(&k->chains);
	*k = (struct kept){0};
	return k;
}

static struct kept *
read_value(struct names *n, struct str key, struct str value,
    const unsigned char *of, time_t now)
{
	BUF_CLEANUP struct buf why = {0};
	struct chain_list chains = {0};
	const struct kept *old;
	struct kept *k;
	int e;

	buf_init(&why, WHY_MAX);
	e = str_has_prefix(value, STR("/"))
	        ? read_paths(n, value, now, &chains, &why)
	        : read_base64(value, now, &chains, &why);
	old = e < 0 ? find_old(n, key) : NULL;
	if (old != NULL)
		chain_list_add(&chains, &old->chains);
	if (e < 0)
		log_warning("tls_server_sni_maps, %.*s: %s: refused%s",
		    STR_ARG(key), why.p,
		    old != NULL ? ", the old one stays" : "");
	k = new_kept(n);
	memcpy(k->of, of, sizeof(k->of));
	memcpy(k->key, key.p, key.len);
	k->round = n->round;
	k->chains = chains;
	return k;
}

/* ---- what is not needed any more ---- */

static bool
has_newer(const struct names *n, const struct kept *k)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->kept[i].chains.n > 0 && n->kept[i].round > k->round &&
		    strcmp(n->kept[i].key, k->key) == 0)
			return true;
	return false;
}

/* A name that is in no table any more needs nothing to fall back on. */
static bool
may_be_named(const struct names *n, const struct kept *k)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str value = STR_NONE;
	enum find found;

	if (n->maps == NULL)
		return false;
	arena_init(&a, ARENA_MAX);
	found = maps_get(n->maps, str_c(k->key), &a, &value);
	wipe_value(value);
	return found != FIND_NO;
}

int64_t
names_tend(struct names *n, int64_t now)
{
	if (!n->has_before)
		return CLOCK_NEVER;
	if (now < n->before_until)
		return n->before_until;
	for (size_t i = 0; i < n->n; i++) {
		struct kept *k = &n->kept[i];

		if (k->round != n->round && k->chains.n > 0 &&
		    (has_newer(n, k) || !may_be_named(n, k)))
			chain_list_done(&k->chains);
	}
	n->has_before = false;
	return CLOCK_NEVER;
}

/* ---- looking ---- */

static enum find
take_value(struct names *n, struct str key, struct str value, time_t now,
    struct chain_list *ret)
{
	unsigned char of[SHA256_DIGEST_LENGTH];
	struct kept *k;

	SHA256((const unsigned char *)value.p, value.len, of);
	k = find_kept(n, of);
	if (k == NULL)
		k = read_value(n, key, value, of, now);
	if (k->chains.n == 0)
		return FIND_BROKEN;
	chain_list_add(ret, &k->chains);
	return FIND_YES;
}

/* SECURITY: a client says what it likes; a table is asked for names alone. */
static bool
is_name(struct str name)
{
	if (name.len == 0 || name.len > KEYS_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!str_is_alnum_char(name.p[i]) && name.p[i] != '-' &&
		    name.p[i] != '.' && name.p[i] != '_')
			return false;
	return true;
}

static struct str
parent_of(struct str name)
{
	ptrdiff_t dot = str_find(str_from(name, 1), '.');

	return dot < 0 ? STR_NONE : str_from(name, (size_t)dot + 1);
}

enum find
names_find(struct names *n, struct str name, time_t now, struct chain_list *ret)
{
	ARENA_CLEANUP struct arena a = {0};
	enum find found = FIND_NO;
	struct str key, value;

	*ret = (struct chain_list){0};
	if (n->maps == NULL || !is_name(name))
		return FIND_NO;
	arena_init(&a, ARENA_MAX);
	key = arena_lower(&a, name);
	while (found == FIND_NO && key.len > 0) {
		found = maps_get(n->maps, key, &a, &value);
		if (found == FIND_YES) {
			found = take_value(n, key, value, now, ret);
			wipe_value(value);
		} else
			key = parent_of(key);
	}
	return found;
}

struct chain *
names_find_key(const struct names *n, struct str id, int64_t now)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct kept *k = &n->kept[i];
		struct chain *c = chain_list_find(&k->chains, id);

		if (c != NULL &&
		    (k->round == n->round || now < n->before_until))
			return c;
	}
	return NULL;
}
