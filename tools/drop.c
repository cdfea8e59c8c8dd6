/* SPDX-License-Identifier: ISC */
/* drop - a process that reads maildrop/ and writes into a pipe. */
#include "drop.h"

#include "base/file.h"
#include "mail/maildrop.h"
#include "mail/queue/dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- in the process ---- */

static int
become_owner(int dir)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return -errno;
	return 0;
}

static struct rows
make_recipients(const struct submit_message *m, struct arena *a)
{
	const struct recipient *in = m->recipients.p;
	struct admin_recipient *out =
	    arena_array(a, m->recipients.n + 1, sizeof(*out));

	for (size_t i = 0; i < m->recipients.n; i++)
		out[i].address = in[i].address;
	return (struct rows){out, m->recipients.n};
}

/* Without -f he who wrote it sends it. */
static struct str
sender_of(const struct maildrop_file *f, struct arena *a)
{
	const struct passwd *pw;

	if (f->message.sender.len > 0 || f->message.null_sender)
		return f->message.sender;
	pw = getpwuid(f->uid);
	return pw != NULL ? arena_strf(a, "%s", pw->pw_name)
	                  : arena_strf(a, "uid%u", f->uid);
}

static int
write_entry(int out, const struct admin_entry *e)
{
	BUF_CLEANUP struct buf b = {0};
	uint32_t size = 0;

	buf_init(&b, sizeof(size) + ADMIN_ENTRY_MAX);
	buf_add(&b, &size, sizeof(size));
	if (shape_encode(&admin_entry_shape, e, &b) < 0)
		return 0; /* it cannot be shown */
	size = (uint32_t)(b.len - sizeof(size));
	memcpy(b.p, &size, sizeof(size));
	return fd_write_all(out, b.p, b.len);
}

/* One that goes meanwhile, or is no message, is none. */
static int
write_file(int out, int dir, const char *name)
{
	ARENA_CLEANUP struct arena a = {0};
	struct maildrop_file f;
	struct admin_entry e;
	struct stat st;
	const char *why;
	int r = 0;

	if (maildrop_open(dir, name, &f, &why) < 0)
		return 0;
	arena_init(&a, 4 * MAILDROP_HEAD_MAX);
	e = (struct admin_entry){
	    .queue = STR("maildrop"),
	    .id = str_c(name),
	    .size = f.message.content.size,
	    .sender = sender_of(&f, &a),
	    .recipients = make_recipients(&f.message, &a),
	};
	if (fstat(f.fd, &st) == 0) {
		e.arrival = st.st_mtim.tv_sec * CLOCK_SEC;
		r = write_entry(out, &e);
	}
	maildrop_close(&f);
	return r;
}

static int
write_all(int out, int dir)
{
	const uint32_t end = 0;
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0), r = 0;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			r = write_file(out, dir, e->d_name);
	closedir(d);
	return r < 0 ? r : fd_write_all(out, &end, sizeof(end));
}

static _Noreturn void
run(int out, int dir)
{
	int r = become_owner(dir);

	if (r == 0)
		r = write_all(out, dir);
	_exit(r == 0 ? 0 : 1);
}

/* ---- in the tool ---- */

static int
open_drop(const struct conf *c)
{
	struct str queue = conf_str(c, PARAM_queue_directory);
	char *path;
	int fd;

	if (asprintf(&path, "%.*s/maildrop", STR_ARG(queue)) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	free(path);
	return fd < 0 ? -errno : fd;
}

int
drop_list(const struct conf *c, struct inquiry_entries *ret)
{
	FD_CLEANUP int dir = open_drop(c);
	int ends[2];
	pid_t pid;

	if (dir < 0)
		return dir;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run(ends[1], dir);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	return inquiry_entries(ends[0], ret);
}

static bool
remove_one(int dir, const char *name)
{
	return dirs_is_id(str_c(name)) && unlinkat(dir, name, 0) == 0;
}

static int
remove_all(int dir)
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL)
		n += remove_one(dir, e->d_name);
	closedir(d);
	return n;
}

int
drop_remove(const struct conf *c, struct str id)
{
	FD_CLEANUP int dir = open_drop(c);
	char name[NAME_MAX + 1];

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	if (str_eq(id, STR("ALL")))
		return remove_all(dir);
	snprintf(name, sizeof(name), "%.*s", STR_ARG(id));
	return remove_one(dir, name);
}
