/* SPDX-License-Identifier: ISC */
/* users - passwd-files in a map, tables as they are. */
#include "users.h"

#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "mail/base64.h"
#include "mail/password.h"
#include "mail/saslprep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TABLES_MAX 16

#define SEED STR("# seed=")

/* crypt(3)'s own setting for new passwords, where no user has one. */
#define DUMMY_HASH STR("$y$j9T$mVZuDRMiFYHgYXxLrLtlF/$")

struct entry {
	struct str name, text;
};

struct users {
	unsigned refs;
	struct arena arena;
	struct buf *texts[TABLES_MAX]; /* what entries borrow from */
	size_t ntexts;
	struct map map; /* of struct entry */
	struct dict *tables[TABLES_MAX];
	size_t ntables;
	const struct dict_env *env;

	/* What is true of all of them. */
	size_t count, cost;
	bool lacks_sha1, lacks_sha256;
	struct str dummy; /* a hash of CRYPT */
	struct users_seed seed;
	uint32_t iterations; /* of the first who has a key */
	bool has_iterations;
};

static void remark(const struct users *u, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
remark(const struct users *u, const char *fmt, ...)
{
	BUF_CLEANUP struct buf b = {0};
	va_list ap;

	if (u->env->remark == NULL)
		return;
	buf_init(&b, LOG_LINE_MAX);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	u->env->remark(u->env->arg, b.p);
}

static struct str
fold(struct arena *a, struct str name)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, SASLPREP_MAX);
	(void)secrets_fold(name, &b); /* a name has its bound */
	return arena_str(a, buf_str(&b));
}

/* ---- what is true of all ---- */

/* Who is let in by nothing needs none. */
static bool
has_key(const struct secrets *s, enum hmac_hash h)
{
	struct password_scram scram;
	bool has_none = true;

	for (size_t i = 0; i < s->n; i++) {
		if (s->list[i].app.len == 0 &&
		    password_scram(&s->list[i], h, &scram))
			return true;
		has_none &= password_is_locked_in(s, i);
	}
	return has_none;
}

/* How many slow hashes a check of these is: check.c has the order. */
static size_t
cost_of(const struct secrets *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += secrets_counts(s, i) && password_is_slow(&s->list[i]);
	return n;
}

static void
note_iterations(struct users *u, const struct secrets *s)
{
	struct password_scram key;

	for (size_t i = 0; !u->has_iterations && i < s->n; i++) {
		u->has_iterations =
		    password_scram(&s->list[i], HMAC_SHA256, &key) ||
		    password_scram(&s->list[i], HMAC_SHA1, &key);
		if (u->has_iterations)
			u->iterations = key.iterations;
	}
}

static void
note(struct users *u, const struct secrets *s)
{
	size_t cost = cost_of(s);

	u->count++;
	u->lacks_sha1 |= !has_key(s, HMAC_SHA1);
	u->lacks_sha256 |= !has_key(s, HMAC_SHA256);
	if (cost > u->cost)
		u->cost = cost;
	note_iterations(u, s);
	for (size_t i = 0; u->dummy.len == 0 && i < s->n; i++)
		if (password_scheme(&s->list[i]) == PASSWORD_CRYPT &&
		    str_has_prefix(s->list[i].hash, STR("$")))
			u->dummy = arena_str(&u->arena, s->list[i].hash);
}

/* ---- reading ---- */

static void
take_seed(struct users *u, struct str line)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init_secret(&b, sizeof(u->seed));
	if (str_has_prefix(line, SEED) &&
	    base64_decode(str_from(line, SEED.len), &b) == 0 &&
	    b.len == sizeof(u->seed))
		memcpy(&u->seed, b.p, b.len);
}

static void
add_line(struct users *u, const char *path, unsigned number, struct str line)
{
	struct str name, text;
	struct secrets secrets;
	struct entry *e;
	const char *why;

	if (!secrets_line(line, &name, &text, &why)) {
		take_seed(u, line);
		return;
	}
	if (why == NULL)
		(void)secrets_parse(text, &secrets, &why);
	if (why != NULL) {
		remark(u, "%s, line %u: %s", path, number, why);
		return;
	}
	e = arena_alloc(&u->arena, sizeof(*e));
	e->name = fold(&u->arena, name);
	e->text = text;
	if (map_get(&u->map, e->name) != NULL) {
		remark(u, "%s, line %u: %.*s is there already", path, number,
		    STR_ARG(e->name));
		return;
	}
	map_put(&u->map, e->name, e);
	note(u, &secrets);
}

static void
remark_readable(const struct users *u, const char *name, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		remark(u,
		    "%s: anybody can read the hashes in it: its mode is %04o, "
		    "and should be 0600",
		    name, st.st_mode & 07777);
}

static bool
read_file(struct users *u, struct str path, struct buf *why)
{
	const char *name = arena_cstr(&u->arena, path);
	FD_CLEANUP int fd = u->env->open(u->env->arg, name);
	struct str rest, line;
	struct buf *text;
	unsigned number = 0;
	int r;

	if (fd == -ENOENT)
		return true;
	text = calloc(1, sizeof(*text));
	if (text == NULL)
		log_fatal("out of memory for users");
	buf_init_secret(text, USERS_FILE_MAX);
	u->texts[u->ntexts++] = text;
	r = fd < 0 ? fd : fd_read_whole(fd, text);
	if (r < 0) {
		buf_addf(why, "%s: %s", name, strerror(-r));
		return false;
	}
	remark_readable(u, name, fd);
	rest = buf_str(text);
	while (str_line(&rest, &line))
		add_line(u, name, ++number, line);
	return true;
}

static void
note_pair(void *arg, struct str key, struct str value)
{
	struct users *u = arg;
	struct secrets secrets;
	const char *why;

	if (secrets_parse(value, &secrets, &why) == 0)
		note(u, &secrets);
	else
		remark(u, "%.*s: %s", STR_ARG(key), why);
}

static bool
open_table(struct users *u, struct str spec, struct buf *why)
{
	struct dict *d = dict_open(u->env, spec, why);

	if (d == NULL)
		return false;
	u->tables[u->ntables++] = d;
	/* Of one that cannot be walked nothing is known. */
	if (dict_each(d, note_pair, u) != FIND_YES)
		u->lacks_sha1 = u->lacks_sha256 = true;
	return true;
}

static bool
read_all(struct users *u, struct str list, struct buf *why)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && item.len > 0) {
		if (u->ntables + u->ntexts == TABLES_MAX) {
			buf_addf(why, "too many tables of users");
			return false;
		}
		if (!(str_has_prefix(item, STR("/"))
			    ? read_file(u, item, why)
			    : open_table(u, item, why)))
			return false;
	}
	return true;
}

struct users *
users_new(const struct dict_env *env, struct str list,
    const struct users_seed *seed, struct buf *why)
{
	struct users *u = calloc(1, sizeof(*u));

	if (u == NULL)
		log_fatal("out of memory for users");
	arena_init(&u->arena, SIZE_MAX / 2); /* the files have their bound */
	map_init(&u->map);
	u->refs = 1;
	u->env = env;
	u->seed = *seed;
	u->iterations = PASSWORD_ITERATIONS;
	u->cost = 1;
	if (!read_all(u, list, why))
		users_unref(&u);
	else if (u->dummy.len == 0)
		u->dummy = DUMMY_HASH;
	return u;
}

struct users *
users_ref(struct users *u)
{
	u->refs++;
	return u;
}

void
users_unref(struct users **up)
{
	struct users *u = *up;

	*up = NULL;
	if (u == NULL || --u->refs > 0)
		return;
	for (size_t i = 0; i < u->ntexts; i++) {
		buf_done(u->texts[i]);
		free(u->texts[i]);
	}
	for (size_t i = 0; i < u->ntables; i++)
		dict_free(&u->tables[i]);
	map_done(&u->map);
	arena_done(&u->arena);
	free(u);
}

size_t
users_count(const struct users *u)
{
	return u->count;
}

/* ---- one of them ---- */

static enum find
parse(struct str text, struct secrets *ret)
{
	const char *why;

	return secrets_parse(text, ret, &why) == 0 ? FIND_YES : FIND_BROKEN;
}

enum find
users_find(const struct users *u, struct str name, struct arena *a,
    struct secrets *ret)
{
	const struct entry *e;
	struct str lower, text;

	ret->n = 0;
	if (!secrets_is_user(name))
		return FIND_NO;
	lower = fold(a, name);
	e = map_get(&u->map, lower);
	if (e != NULL)
		return parse(arena_str(a, e->text), ret);
	for (size_t i = 0; i < u->ntables; i++) {
		enum find found = dict_get(u->tables[i], lower, a, &text);

		if (found == FIND_YES)
			return parse(text, ret);
		if (found != FIND_NO)
			return found;
	}
	return FIND_NO;
}

bool
users_have_scram(const struct users *u, enum hmac_hash h)
{
	return u->count > 0 &&
	       !(h == HMAC_SHA1 ? u->lacks_sha1 : u->lacks_sha256);
}

size_t
users_cost(const struct users *u)
{
	return u->cost;
}

struct secret
users_dummy(const struct users *u)
{
	return (struct secret){
	    .app = STR_NONE, .scheme = STR("CRYPT"), .hash = u->dummy};
}

void
users_salt(const struct users *u, struct str name, unsigned char *ret)
{
	hmac(HMAC_SHA256,
	    str_n((const char *)u->seed.bytes, sizeof(u->seed.bytes)), name,
	    ret);
}

uint32_t
users_iterations(const struct users *u)
{
	return u->iterations;
}
