/* SPDX-License-Identifier: ISC */
/*
 * tables - the files of tables and lists: opened here, because their readers
 * may open nothing, and watched, because they hold what the file was.
 */
#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define REPLACE_AFTER (5 * CLOCK_SEC)

static void
note(struct plan_file *f, const struct stat *st)
{
	f->mtime = st->st_mtim;
	f->dev = st->st_dev;
	f->inode = st->st_ino;
}

int
tables_open(struct plan_file *f)
{
	/* A pipe with that name must not hold us up. */
	int fd = open(f->path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	f->inode = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	note(f, &st);
	return fd;
}

static bool
has_changed(const struct plan_file *f)
{
	struct stat st;

	if (stat(f->path.p, &st) < 0)
		return false; /* what they hold is better than nothing */
	return st.st_ino != f->inode || st.st_dev != f->dev ||
	       st.st_mtim.tv_sec != f->mtime.tv_sec ||
	       st.st_mtim.tv_nsec != f->mtime.tv_nsec;
}

bool
tables_changed(const struct service *s)
{
	for (size_t i = 0; i < s->nfiles; i++)
		if (has_changed(&s->files[i]))
			return true;
	return false;
}

void
tables_watch(struct master *m)
{
	struct service *s;
	bool is_one_replaced = false;

	if (m->old_plan != NULL ||
	    clock_mono() < m->replaced_at + REPLACE_AFTER)
		return;
	TAILQ_FOREACH (s, &m->plan->services, next) {
		if (s->current == NULL || s->coming != NULL ||
		    !tables_changed(s))
			continue;
		log_info("table changed, replacing %.*s", STR_ARG(s->name));
		if (s->program->turn == TURN_QUEUE)
			child_reconfigure(s->current, s);
		else
			child_start(m, s);
		is_one_replaced = true;
	}
	if (is_one_replaced)
		m->replaced_at = clock_mono();
}
