/* SPDX-License-Identifier: ISC */
/* users_file - a passwd-file: locked by its directory, replaced as a whole. */
#include "users_file.h"

#include "base/file.h"
#include "mail/base64.h"
#include "mail/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED      STR("# seed=")
#define SEED_SIZE 32

#define ONLY_ADMINISTRATOR                                                     \
	"must be owned, and only be written, by the administrator"

/* ---- the text ---- */

static bool
is_of(struct str line, struct str name, struct str *ret_secrets)
{
	struct str user;
	const char *why;

	return secrets_line(line, &user, ret_secrets, &why) && why == NULL &&
	       secrets_is_named(user, name);
}

bool
users_text_find(struct str text, struct str name, struct str *ret)
{
	struct str line;

	while (str_line(&text, &line))
		if (is_of(line, name, ret))
			return true;
	return false;
}

static bool
has_seed(struct str text)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_has_prefix(line, SEED))
			return true;
	return false;
}

static void
add_seed(struct buf *out)
{
	char seed[SEED_SIZE];

	arc4random_buf(seed, sizeof(seed));
	buf_add_str(out, SEED);
	base64_encode(str_n(seed, sizeof(seed)), out);
	buf_add_char(out, '\n');
	explicit_bzero(seed, sizeof(seed));
}

static void
add_user(struct buf *out, struct str name, struct str secrets, struct str rest)
{
	buf_addf(out, "%.*s:", STR_ARG(name));
	buf_add_str(out, secrets);
	buf_add_str(out, rest);
	buf_add_char(out, '\n');
}

int
users_text_put(struct str text, struct str name, const struct str *secrets,
    struct buf *out)
{
	struct str line, old;
	bool is_there = false;

	if (!has_seed(text))
		add_seed(out);
	while (str_line(&text, &line)) {
		if (!is_of(line, name, &old)) {
			buf_add_str(out, line);
			buf_add_char(out, '\n');
			continue;
		}
		if (secrets != NULL && !is_there)
			add_user(out, name, *secrets,
			    str_from(line, (size_t)(old.p - line.p) + old.len));
		is_there = true;
	}
	if (secrets != NULL && !is_there)
		add_user(out, name, *secrets, STR_NONE);
	return out->full ? -EMSGSIZE : 0;
}

/* ---- the file ---- */

static int
fail(struct buf *why, int error, const char *path, const char *text)
{
	buf_addf(why, "%s: %s", path, text != NULL ? text : strerror(-error));
	return error;
}

/* SECURITY: who can write the directory can put another file in its place. */
static bool
is_administrators(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) &&
	       (st->st_mode & 022) == 0;
}

static int
open_directory(struct users_file *f, const char *path, bool for_writing,
    const char **ret_why)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	struct stat st;

	f->name = strdup(slash + 1);
	if (dir == NULL || f->name == NULL) {
		free(dir);
		return -ENOMEM;
	}
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (f->dir < 0 || fstat(f->dir, &st) < 0)
		return -errno;
	if (!is_administrators(&st)) {
		*ret_why = "its directory " ONLY_ADMINISTRATOR;
		return -EPERM;
	}
	return for_writing && flock(f->dir, LOCK_EX) < 0 ? -errno : 0;
}

static int
read_text(struct users_file *f, const char *path, struct buf *why)
{
	FD_CLEANUP int fd =
	    openat(f->dir, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(why, -errno, path,
		    errno == ELOOP ? "is a symbolic link" : NULL);
	if (!S_ISREG(st.st_mode))
		return fail(why, -EINVAL, path, "is no file");
	if (st.st_uid != geteuid() || !is_administrators(&st))
		return fail(why, -EPERM, path, ONLY_ADMINISTRATOR);
	f->mode = st.st_mode & 0777;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	r = fd_read_whole(fd, &f->text);
	return r < 0 ? fail(why, r, path, NULL) : 0;
}

int
users_file_open(
    struct users_file *f, const char *path, bool for_writing, struct buf *why)
{
	const char *text = NULL;
	int r;

	*f = (struct users_file){
	    .dir = -1, .mode = 0600, .uid = geteuid(), .gid = getegid()};
	buf_init_secret(&f->text, USERS_TEXT_MAX);
	r = open_directory(f, path, for_writing, &text);
	if (r < 0)
		fail(why, r, path, text);
	else
		r = read_text(f, path, why);
	if (r < 0)
		users_file_close(f);
	return r;
}

static bool
is_leftover(const struct users_file *f, struct str name)
{
	struct str own = str_c(f->name);

	return str_has_prefix(name, STR(".")) &&
	       str_has_prefix(str_from(name, 1), own) &&
	       str_has_prefix(str_from(name, 1 + own.len), STR(".")) &&
	       str_has_suffix(name, STR(".tmp"));
}

/* SECURITY: what a run that was killed in the midst left has the hashes of
 * users who are gone.  Whoever has the lock is the only one who writes. */
static void
remove_leftovers(const struct users_file *f)
{
	int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (is_leftover(f, str_c(e->d_name)))
			(void)unlinkat(f->dir, e->d_name, 0);
	closedir(d);
}

/* A group that may read it still may. */
int
users_file_write(struct users_file *f, struct str text)
{
	bool has_group = f->gid != getegid();
	int r;

	remove_leftovers(f);
	r = file_replace(
	    f->dir, f->name, text, has_group ? f->mode & 0700 : f->mode);
	if (r < 0 || !has_group)
		return r;
	if (fchownat(f->dir, f->name, (uid_t)-1, f->gid, AT_SYMLINK_NOFOLLOW) <
		0 ||
	    fchmodat(f->dir, f->name, f->mode, 0) < 0)
		return -errno;
	return 0;
}

void
users_file_close(struct users_file *f)
{
	fd_close(&f->dir); /* and the lock is gone */
	free(f->name);
	f->name = NULL;
	buf_done(&f->text);
}
