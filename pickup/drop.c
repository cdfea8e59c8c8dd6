/* SPDX-License-Identifier: ISC */
/*
 * drop - maildrop/.  The directory is read a name at a time; its mtime says
 * whether there is anything to read.
 */
#include "drop.h"

#include "returned.h"

#include "base/log.h"
#include "mail/maildrop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

static struct {
	const struct pickup *pickup;
	int fd;
	bool is_open, is_closing;
	struct task_queue pause;
	struct timespec seen; /* the directory's mtime before it was read */
	int64_t again;        /* when it is read even if nothing changed */
	void (*idle)(void *arg);
	void *idle_arg;
} drop;

static int
feed(void *source, struct intake *t)
{
	const struct maildrop_file *f = source;
	char *block = malloc(BLOCK);
	ssize_t n = 0;

	if (block == NULL)
		log_fatal("out of memory for a block");
	for (off_t at = 0;; at += n) {
		n = maildrop_read(f, at, block, BLOCK);
		if (n <= 0 || intake_bytes(t, str_n(block, (size_t)n)) < 0)
			break;
		task_yield();
	}
	free(block);
	return n < 0 ? (int)n : 0;
}

static void
discard(const char *name)
{
	if (unlinkat(drop.fd, name, 0) < 0 && errno != ENOENT &&
	    unlinkat(drop.fd, name, AT_REMOVEDIR) < 0)
		log_warning("maildrop/%s: cannot be removed: %s", name,
		    strerrordesc_np(errno));
}

/* It will never be taken: the sender hears of it, or it stays. */
static bool
give_back(struct maildrop_file *f, const char *name,
    const struct submit_done *done, struct arena *a)
{
	log_warning(
	    "maildrop/%s: uid=%u: %.*s", name, f->uid, STR_ARG(done->text));
	return returned_send(drop.pickup, f, done->text, a);
}

/* True: it is done with. */
static bool
take_file(struct maildrop_file *f, const char *name)
{
	struct submission s = {f->uid, &f->message, feed, f};
	struct submit_done done;
	struct arena a;
	bool is_done;

	arena_init(&a, SUBMISSION_ARENA);
	done = submission_take(drop.pickup, &s, &a);
	is_done = done.exit_code == EX_OK;
	if (!is_done && done.exit_code != EX_TEMPFAIL)
		is_done = give_back(f, name, &done, &a);
	arena_done(&a);
	return is_done;
}

static void
take(const char *name)
{
	struct maildrop_file f;
	const char *why;
	int r = maildrop_open(drop.fd, name, &f, &why);
	bool is_done = false;

	if (r == -ENOENT)
		return;
	if (r == 0) {
		is_done = take_file(&f, name);
		maildrop_close(&f);
	} else if (r == -EPROTO) {
		log_warning("maildrop/%s: %s: removed", name, why);
		is_done = true;
	} else {
		log_warning(
		    "maildrop/%s: %s: %s", name, why, strerrordesc_np(-r));
	}
	if (is_done)
		discard(name);
}

static DIR *
open_directory(void)
{
	int fd = openat(drop.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL) {
		log_warning("maildrop: %s", strerrordesc_np(errno));
		if (fd >= 0)
			close(fd);
	}
	return d;
}

static void
read_directory(void)
{
	DIR *d = open_directory();
	struct dirent *e;

	drop.again = clock_after(DROP_RETRY);
	if (d == NULL)
		return;
	while (!drop.is_closing && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		take(e->d_name);
		task_yield();
	}
	closedir(d);
}

/* Two changes in one tick of the clock look like one: so it is read now and
 * then whatever its mtime says. */
static bool
is_due(void)
{
	struct stat st;

	if (clock_mono() >= drop.again)
		return true;
	if (fstat(drop.fd, &st) < 0 ||
	    (st.st_mtim.tv_sec == drop.seen.tv_sec &&
		st.st_mtim.tv_nsec == drop.seen.tv_nsec))
		return false;
	drop.seen = st.st_mtim;
	return true;
}

static void
watch(void *arg)
{
	(void)arg;
	while (!drop.is_closing) {
		if (is_due())
			read_directory();
		else if (task_wait(&drop.pause, clock_after(DROP_LOOK)) ==
			 -ECANCELED)
			break;
	}
	drop.is_open = false;
	if (drop.idle != NULL)
		drop.idle(drop.idle_arg);
}

void
drop_open(const struct pickup *p, int dir_fd)
{
	drop.pickup = p;
	drop.fd = dir_fd;
	drop.is_open = true;
	task_queue_init(&drop.pause);
	task_start(watch, NULL);
}

void
drop_close(void (*idle)(void *arg), void *arg)
{
	drop.is_closing = true;
	drop.idle = idle;
	drop.idle_arg = arg;
	if (drop.is_open)
		task_wake_all(&drop.pause);
	else
		idle(arg);
}
