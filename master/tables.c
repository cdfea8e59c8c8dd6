/* SPDX-License-Identifier: ISC */
/*
 * tables - the files of tables, lists and keys: opened here, because their
 * readers may open nothing, and watched, because they hold what the file was.
 */
#include "mail/authorities.h"
#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define REPLACE_AFTER (5 * CLOCK_SEC)

static struct file_state
state_of(const struct stat *st)
{
	return (struct file_state){
	    .mtime = st->st_mtim,
	    .dev = st->st_dev,
	    .inode = st->st_ino,
	    .size = st->st_size,
	};
}

static bool
is_same(const struct file_state *a, const struct file_state *b)
{
	return a->inode == b->inode && a->dev == b->dev && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

int
tables_open(struct plan_file *f)
{
	/* A pipe with that name must not hold us up. */
	int fd = open(f->path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	f->given = f->seen = (struct file_state){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 ||
	    (f->is_directory ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))) {
		close(fd);
		return -EINVAL;
	}
	f->given = f->seen = state_of(&st);
	if (f->is_directory) {
		int gathered = authorities_gather(fd);

		close(fd);
		return gathered;
	}
	return fd;
}

static bool
has_changed(struct plan_file *f, bool *ret_is_quiet)
{
	struct file_state now;
	struct stat st;

	if (stat(f->path.p, &st) < 0)
		return false; /* what they hold is better than nothing */
	now = state_of(&st);
	*ret_is_quiet &= is_same(&now, &f->seen);
	f->seen = now;
	return !is_same(&now, &f->given);
}

/*
 * Files of keys belong together, and change one after the other: they are
 * handed over when none of them has changed since the last look.
 */
bool
tables_changed(struct service *s)
{
	bool waits = s->program->users == USER_KEYS;
	bool has_any = false, is_quiet = true;

	for (size_t i = 0; i < s->nfiles; i++)
		has_any |= has_changed(&s->files[i], &is_quiet);
	return has_any && (is_quiet || !waits);
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
		log_info("table changed, %s %.*s",
		    s->program->is_kept ? "telling" : "replacing",
		    STR_ARG(s->name));
		if (s->program->is_kept)
			child_reconfigure(s->current, s);
		else
			child_start(m, s);
		is_one_replaced = true;
	}
	if (is_one_replaced)
		m->replaced_at = clock_mono();
}
