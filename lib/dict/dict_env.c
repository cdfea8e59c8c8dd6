/* SPDX-License-Identifier: ISC */
/* dict_env - tables for the tools: files by path, as the caller. */
#include "dict/dict.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

static int
open_path(void *arg, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

static enum find
find_error(int error)
{
	/* What getpwnam_r(3) may say for "no such user". */
	bool is_no = error == 0 || error == ENOENT || error == ESRCH ||
	             error == EBADF || error == EPERM;

	return is_no ? FIND_NO : FIND_RETRY;
}

static enum find
find_user(const char *name, struct arena *a, struct str *ret_value)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return find_error(errno);
	*ret_value =
	    arena_strf(a, "%s:%s:%u:%u:%s:%s:%s", pw->pw_name, pw->pw_passwd,
		pw->pw_uid, pw->pw_gid, pw->pw_gecos, pw->pw_dir, pw->pw_shell);
	return FIND_YES;
}

static enum find
find_group(const char *name, struct arena *a, struct str *ret_value)
{
	BUF_CLEANUP struct buf members = {0};
	struct group *gr;

	errno = 0;
	gr = getgrnam(name);
	if (gr == NULL)
		return find_error(errno);
	buf_init(&members, DICT_VALUE_MAX / 2);
	for (char **m = gr->gr_mem; *m != NULL; m++)
		buf_addf(&members, "%s%s", m == gr->gr_mem ? "" : ",", *m);
	*ret_value = arena_strf(a, "%s:%s:%u:%s", gr->gr_name, gr->gr_passwd,
	    gr->gr_gid, members.p);
	return FIND_YES;
}

static enum find
ask_system(void *arg, struct str database, struct str key, struct arena *a,
    struct str *ret_value)
{
	BUF_CLEANUP struct buf name = {0};

	(void)arg;
	buf_init(&name, DICT_KEY_MAX);
	buf_add_str(&name, key);
	if (strlen(name.p) != key.len)
		return FIND_NO;
	if (str_eq(database, STR("group.byname")))
		return find_group(name.p, a, ret_value);
	return find_user(name.p, a, ret_value);
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	log_warning("%s", text);
}

const struct dict_env dict_env_tool = {
    .open = open_path,
    .lookup = ask_system,
    .remark = warn,
    .default_type = {"hash", 4},
};
