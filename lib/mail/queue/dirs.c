/* SPDX-License-Identifier: ISC */
/* dirs - where in the queue things are.  Owns nothing. */
#include "mail/queue/dirs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define DIR_MODE 0700

static int
make_dir(int dirfd, const char *path, bool *made, struct buf *why)
{
	if (mkdirat(dirfd, path, DIR_MODE) == 0) {
		*made = true;
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	buf_addf(why, "cannot make %s in the queue's directory: %s", path,
	    strerror(errno));
	return -errno;
}

int
dirs_make(const struct disk *disk, int dirfd, struct buf *why)
{
	static const char *const top[] = {
	    "journal", "tmp", "deferred", "hold", "corrupt"};
	bool made = false, made_hash = false;
	char path[DIRS_PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(top) / sizeof(top[0]); i++)
		r = make_dir(dirfd, top[i], &made, why);
	for (unsigned i = 0; r == 0 && i < DIRS_HASH; i++) {
		dirs_of_hash(i, path);
		r = make_dir(dirfd, path, &made_hash, why);
	}
	if (r == 0 && made_hash)
		r = disk->sync_dir(disk->arg, dirfd, "deferred");
	if (r == 0 && made)
		r = disk->sync_dir(disk->arg, dirfd, ".");
	if (r < 0 && why->len == 0)
		buf_addf(
		    why, "cannot sync the queue's directory: %s", strerror(-r));
	return r;
}

unsigned
dirs_hash(struct str id)
{
	return crc32_z(0, (const unsigned char *)id.p, id.len) % DIRS_HASH;
}

void
dirs_of_hash(unsigned hash, char ret[DIRS_PATH_MAX])
{
	snprintf(ret, DIRS_PATH_MAX, "deferred/%02x", hash);
}

void
dirs_path(enum entry_queue queue, struct str id, char ret[DIRS_PATH_MAX])
{
	if (queue == QUEUE_HOLD)
		snprintf(ret, DIRS_PATH_MAX, "hold/%.*s", STR_ARG(id));
	else
		snprintf(ret, DIRS_PATH_MAX, "deferred/%02x/%.*s",
		    dirs_hash(id), STR_ARG(id));
}

void
dirs_tmp_path(struct str id, uint32_t nonce, char ret[DIRS_PATH_MAX])
{
	snprintf(ret, DIRS_PATH_MAX, "tmp/%.*s-%08x", STR_ARG(id), nonce);
}

void
dirs_corrupt_path(struct str name, char ret[DIRS_PATH_MAX])
{
	snprintf(ret, DIRS_PATH_MAX, "corrupt/%.*s", STR_ARG(name));
}

bool
dirs_is_id(struct str id)
{
	if (id.len == 0 || id.len > ENVELOPE_QID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!str_is_alnum_char(id.p[i]))
			return false;
	return true;
}
