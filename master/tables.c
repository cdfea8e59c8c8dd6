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
#define TELL_TIME     (10 * CLOCK_SEC)

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

static void
renew(struct master *m, struct service *s)
{
	log_info("table changed, %s %.*s",
	    s->program->is_kept ? "telling" : "replacing", STR_ARG(s->name));
	if (s->program->is_kept)
		child_reconfigure(s->current, s);
	else
		child_start(m, s);
}

/* Those alone who are told in place; true: there was one. */
static bool
renew_all(struct master *m, bool is_kept_only)
{
	bool is_one_renewed = false;
	struct service *s;

	TAILQ_FOREACH (s, &m->plan->services, next) {
		if (s->current == NULL || s->coming != NULL ||
		    (is_kept_only && !s->program->is_kept) ||
		    !tables_changed(s))
			continue;
		renew(m, s);
		is_one_renewed = true;
	}
	return is_one_renewed;
}

void
tables_watch(struct master *m)
{
	/* Processes that follow each other too fast would pile up. */
	bool may_replace = clock_mono() >= m->replaced_at + REPLACE_AFTER;

	if (m->old_plan == NULL && renew_all(m, !may_replace) && may_replace)
		m->replaced_at = clock_mono();
}

static bool
is_told(const struct master *m)
{
	const struct child *c;

	TAILQ_FOREACH (c, &m->children, next)
		if (c->state != CHILD_LEAVING && c->asked > 0)
			return false;
	return true;
}

int
tables_tell(struct master *m)
{
	int64_t deadline = clock_after(TELL_TIME);
	int r = 0;

	/* While a reload goes on, all are told as it ends. */
	while (r == 0 && m->old_plan != NULL && !m->is_stopping)
		r = task_wait(&m->ended, deadline);
	if (r == 0 && !m->is_stopping)
		renew_all(m, true);
	while (r == 0 && !is_told(m) && !m->is_stopping)
		r = task_wait(&m->ended, deadline);
	return r;
}
