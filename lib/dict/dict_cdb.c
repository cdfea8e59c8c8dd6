/* SPDX-License-Identifier: ISC */
/*
 * dict_cdb - tables in the format of D. J. Bernstein's cdb, "NAME.cdb":
 * cdb:, and what Postfix keeps in Berkeley DB files: hash:, btree:, dbm:.
 *
 * Up to COPY_MAX bytes are copied into memory when the table is opened, and
 * a look-up costs no system call; a larger table is read with pread.  The
 * file is never mapped, so that nobody who writes over it can end a process
 * by SIGBUS.  Every offset in the file is checked against its size.
 *
 * Keys written by Postfix on other systems may end with a NUL that counts;
 * they are found as well.
 */
#include "dict/dict_type.h"

#include "base/file.h"
#include "base/log.h"

#include <cdb.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MAX    (4 * 1024 * 1024)
#define HEADER_SIZE 2048
#define SLOT_SIZE   8

struct table {
	int fd; /* -1: all is in `copy` */
	uint64_t size;
	uint8_t *copy; /* the header, or everything */
	uint64_t copied;
};

/* False: outside of the file, or it can't be read. */
static bool
read_at(const struct table *t, uint64_t at, void *ret, size_t n)
{
	if (at > t->size || n > t->size - at)
		return false;
	if (at <= t->copied && n <= t->copied - at) {
		memcpy(ret, t->copy + at, n);
		return true;
	}
	return t->fd >= 0 && fd_pread_all(t->fd, ret, n, (off_t)at) == 0;
}

static bool
read_pair(const struct table *t, uint64_t at, uint32_t *ret_a, uint32_t *ret_b)
{
	uint8_t b[8];

	if (!read_at(t, at, b, sizeof(b)))
		return false;
	*ret_a = cdb_unpack(b);
	*ret_b = cdb_unpack(b + 4);
	return true;
}

/* The record at `at`: is its key `key`?  Its value is the answer. */
static enum find
read_record(const struct table *t, uint64_t at, struct str key, struct arena *a,
    struct str *ret_value)
{
	char found[DICT_KEY_MAX + 1], *value;
	uint32_t klen, vlen;

	if (!read_pair(t, at, &klen, &vlen))
		return FIND_BROKEN;
	if (klen != key.len)
		return FIND_NO;
	if (!read_at(t, at + SLOT_SIZE, found, klen))
		return FIND_BROKEN;
	if (memcmp(found, key.p, klen) != 0)
		return FIND_NO;
	if (vlen > DICT_VALUE_MAX)
		return FIND_BROKEN;
	if (arena_left(a) <= (size_t)vlen + 64)
		return FIND_RETRY;
	value = arena_alloc(a, (size_t)vlen + 1);
	if (!read_at(t, at + SLOT_SIZE + klen, value, vlen))
		return FIND_BROKEN;
	*ret_value = str_n(value, vlen);
	return FIND_YES;
}

static enum find
find_key(const struct table *t, struct str key, struct arena *a,
    struct str *ret_value)
{
	uint32_t hash = cdb_hash(key.p, (unsigned)key.len);
	uint32_t base, nslots;

	if (!read_pair(t, (hash & 255) * SLOT_SIZE, &base, &nslots))
		return FIND_BROKEN;
	if (base > t->size || nslots > (t->size - base) / SLOT_SIZE)
		return FIND_BROKEN;
	for (uint32_t i = 0; i < nslots; i++) {
		uint64_t slot = ((hash >> 8) + (uint64_t)i) % nslots;
		uint32_t slot_hash, at;
		enum find f;

		if (!read_pair(t, base + slot * SLOT_SIZE, &slot_hash, &at))
			return FIND_BROKEN;
		if (at == 0)
			return FIND_NO;
		if (slot_hash != hash)
			continue;
		f = read_record(t, at, key, a, ret_value);
		if (f != FIND_NO)
			return f;
	}
	return FIND_NO;
}

static enum find
get_cdb(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	char with_nul[DICT_KEY_MAX + 1];
	enum find f = find_key(d->state, key, a, ret_value);

	if (f != FIND_NO)
		return f;
	memcpy(with_nul, key.p, key.len);
	with_nul[key.len] = '\0';
	f = find_key(d->state, str_n(with_nul, key.len + 1), a, ret_value);
	if (f == FIND_YES && ret_value->len > 0 &&
	    ret_value->p[ret_value->len - 1] == '\0')
		ret_value->len--;
	return f;
}

/* One record, both of its parts without the NUL that may end them. */
static bool
give_record(const struct table *t, uint64_t at, uint32_t klen, uint32_t vlen,
    dict_each_fn each, void *arg)
{
	BUF_CLEANUP struct buf b = {0};
	struct str key, value;
	char *room;

	buf_init(&b, DICT_KEY_MAX + 1 + DICT_VALUE_MAX + 1);
	room = buf_room(&b, (size_t)klen + vlen);
	if (room == NULL || !read_at(t, at, room, (size_t)klen + vlen))
		return false;
	key = str_n(room, klen);
	value = str_n(room + klen, vlen);
	if (klen > 0 && vlen > 0 && room[klen - 1] == '\0' &&
	    room[klen + vlen - 1] == '\0') {
		key.len--;
		value.len--;
	}
	each(arg, key, value);
	return true;
}

/* The records lie between the header and the first of the hash tables. */
static enum find
each_cdb(struct dict *d, dict_each_fn each, void *arg)
{
	const struct table *t = d->state;
	uint32_t end, n, klen, vlen;
	uint64_t at = HEADER_SIZE;

	if (!read_pair(t, 0, &end, &n) || end > t->size)
		return FIND_BROKEN;
	while (at < end) {
		if (!read_pair(t, at, &klen, &vlen) ||
		    klen > DICT_KEY_MAX + 1 || vlen > DICT_VALUE_MAX + 1 ||
		    !give_record(t, at + SLOT_SIZE, klen, vlen, each, arg))
			return FIND_BROKEN;
		at += SLOT_SIZE + (uint64_t)klen + vlen;
	}
	return FIND_YES;
}

static void
free_cdb(struct dict *d)
{
	struct table *t = d->state;

	fd_close(&t->fd);
	free(t->copy);
	free(t);
}

static int
copy_front(struct table *t)
{
	struct stat st;

	if (fstat(t->fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	t->size = (uint64_t)st.st_size;
	if (t->size < HEADER_SIZE)
		return -ENODATA;
	t->copied = t->size <= COPY_MAX ? t->size : HEADER_SIZE;
	t->copy = malloc(t->copied);
	if (t->copy == NULL)
		log_fatal("out of memory for a table");
	return fd_pread_all(t->fd, t->copy, t->copied, 0);
}

static bool
open_cdb(struct dict *d, const struct dict_opening *o)
{
	int fd = dict_open_file(o, d->type->suffix), r;
	struct table *t;

	if (fd < 0)
		return false;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		log_fatal("out of memory for a table");
	t->fd = fd;
	d->state = t;
	r = copy_front(t);
	if (r != 0) {
		buf_addf(o->why, "%.*s: %.*s%s: %s", STR_ARG(o->spec),
		    STR_ARG(o->name), d->type->suffix,
		    r == -ENODATA || r == -EINVAL ? "not a cdb file"
						  : strerror(-r));
		free_cdb(d);
		return false;
	}
	if (t->copied == t->size)
		fd_close(&t->fd);
	return true;
}

#define CDB_TYPE(label)                                                        \
	{                                                                      \
		.name = (label), .suffix = ".cdb", .folds = true,              \
		.open = open_cdb, .get = get_cdb, .each = each_cdb,            \
		.free = free_cdb                                               \
	}

const struct dict_type dict_type_cdb = CDB_TYPE("cdb");
const struct dict_type dict_type_hash = CDB_TYPE("hash");
const struct dict_type dict_type_btree = CDB_TYPE("btree");
const struct dict_type dict_type_dbm = CDB_TYPE("dbm");
