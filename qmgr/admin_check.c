/* SPDX-License-Identifier: ISC */
/*
 * admin_check - the queue's structure, as postsuper(1) has it checked: a part
 * at a time, a directory or what only the journal has.  Files lie where their
 * names belong; messages that wait can be read, if that is asked; nothing is
 * left in tmp/ that nobody writes.
 *
 * Messages that something happens to at the moment are left alone: they are
 * read and written by that.
 */
#include "admin.h"

#include "qmgr.h"
#include "wait.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PURGE_AGE 3600 /* seconds */
#define YIELD     64   /* names */
#define SCAN_TICK (20 * CLOCK_MS)

_Static_assert(ADMIN_CHECK_HOLD == DIRS_HASH, "a directory without a number");

/* Names, so that what they belong to may change meanwhile. */
struct names {
	char **list;
	size_t n, room;
};

struct check {
	struct admin_request *request;
	struct qmgr *q;
	unsigned part;
	bool has_content;
	char directory[DIRS_PATH_MAX];
	int fd; /* of it */
	struct admin_checked found;
};

static void
add_name(struct names *names, const char *name)
{
	if (names->n == names->room) {
		names->room = names->room == 0 ? 256 : 2 * names->room;
		names->list =
		    realloc(names->list, names->room * sizeof(char *));
	}
	if (names->list == NULL ||
	    (names->list[names->n++] = strdup(name)) == NULL)
		log_fatal("out of memory for names");
}

static void
free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
}

static int
read_names(int fd, struct names *names)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (dir == NULL) {
		int r = -errno;

		if (copy >= 0)
			close(copy);
		return r;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			add_name(names, e->d_name);
	closedir(dir);
	return 0;
}

/* Nobody works on it, and nothing of it is on its way. */
static bool
is_quiet(const struct message *m)
{
	return (m->state == MESSAGE_WAITING || m->state == MESSAGE_HELD) &&
	       m->active == NULL && m->item.move == NULL && m->pins == 0;
}

static void
read_message(struct check *c, struct message *m)
{
	struct store *store = c->q->store;
	struct store_body *b = NULL;
	const char *why = "";
	int r;

	if (!is_quiet(m))
		return;
	c->found.messages++;
	if (!c->has_content)
		return;
	r = store_load(store, &m->item, &b, &why);
	if (r == 0) {
		why = "its content is damaged";
		r = store_content(store, &m->item, b);
	}
	store_body_free(&b);
	if (r != -EBADMSG) /* others may be of the moment */
		return;
	if (m->place > 0)
		wait_del(c->q, m);
	message_put_aside(c->q, m, r, why);
	c->found.corrupt++;
}

/* For a person: under a name that no other has. */
static void
set_aside(struct check *c, const char *name)
{
	char to[DIRS_PATH_MAX + 16];

	snprintf(to, sizeof(to), "corrupt/%s-%08x", name, arc4random());
	if (renameat(c->fd, name, c->q->queue_dir, to) < 0) {
		log_warning("%s/%s cannot be moved to %s: %s", c->directory,
		    name, to, strerror(errno));
		return;
	}
	log_warning("%s/%s is moved to %s", c->directory, name, to);
	c->found.corrupt++;
}

/* What of it is still to be done, as a new message. */
static int
take_file(struct check *c, int fd)
{
	ARENA_CLEANUP struct arena a = {0};
	struct content *content = NULL;
	struct progress progress;
	struct queue_file file;
	struct recipient *left;
	struct envelope e;
	char id[QID_LEN + 1];
	const char *why;
	size_t n = 0;
	int r;

	arena_init(&a, 0);
	r = queue_file_read(fd, &a, &file, &e, &progress, &why);
	if (r == 0)
		r = queue_file_content(fd, &file, &content);
	if (r < 0)
		return r;
	left = calloc(progress.n + 1, sizeof(*left));
	if (left == NULL)
		log_fatal("out of memory for recipients");
	for (size_t i = 0; i < progress.n; i++)
		if (!progress.marks[i].done)
			left[n++] =
			    ((const struct recipient *)e.recipients.p)[i];
	e.recipients = (struct rows){left, n};
	r = n == 0 ? -ENOENT : admin_take_message(c->request, &e, content, id);
	content_unref(&content);
	free(left);
	return r;
}

/*
 * One that does not lie where it belongs, as a restored one may.  The journal
 * may know that a message of this id is done; so it gets another.
 */
static void
put_right(struct check *c, const char *name)
{
	FD_CLEANUP int fd = -1;
	int r;

	if (message_find(c->q, str_c(name)) != NULL) {
		set_aside(c, name); /* a copy */
		return;
	}
	fd = openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : take_file(c, fd);
	if (r == -EBADMSG || r == -ENOENT) {
		set_aside(c, name);
	} else if (r < 0) {
		log_warning("%s/%s does not belong there, and cannot be taken "
			    "in: %s: left there",
		    c->directory, name, strerror(-r));
		c->found.foreign++;
	} else {
		unlinkat(c->fd, name, 0);
		c->found.messages++;
		c->found.moved++;
	}
}

static void
check_file(struct check *c, const char *name)
{
	struct str id = str_c(name);
	struct message *m;
	struct stat st;

	if (fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* it has gone */
	if (!S_ISREG(st.st_mode) || !dirs_is_id(id)) {
		log_warning(
		    "%s/%s is no message: left there", c->directory, name);
		c->found.foreign++;
		return;
	}
	if (c->part != ADMIN_CHECK_HOLD && dirs_hash(id) != c->part) {
		put_right(c, name);
		return;
	}
	m = message_find(c->q, id);
	if (m != NULL && m->item.where == STORE_FILE)
		read_message(c, m);
}

/* Left by a crash of an earlier run, or of a write: no message has it. */
static void
purge_file(struct check *c, const char *name)
{
	struct str id;
	struct stat st;

	str_cut(str_c(name), '-', &id, NULL);
	if (message_find(c->q, id) != NULL ||
	    fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    time(NULL) - st.st_mtim.tv_sec < PURGE_AGE)
		return;
	if (unlinkat(c->fd, name, 0) < 0)
		log_warning(
		    "tmp/%s cannot be removed: %s", name, strerror(errno));
	else
		c->found.purged++;
}

static void
check_names(struct check *c, struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		if (c->part == ADMIN_CHECK_TMP)
			purge_file(c, names->list[i]);
		else
			check_file(c, names->list[i]);
		if ((c->has_content || i % YIELD == 0) && task_yield() < 0)
			return;
	}
}

static int
check_directory(struct check *c)
{
	struct names names = {0};
	int r;

	if (c->part == ADMIN_CHECK_TMP)
		strlcpy(c->directory, "tmp", sizeof(c->directory));
	else if (c->part == ADMIN_CHECK_HOLD)
		strlcpy(c->directory, "hold", sizeof(c->directory));
	else
		dirs_of_hash(c->part, c->directory);
	c->fd = openat(c->q->queue_dir, c->directory,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	r = read_names(c->fd, &names);
	if (r == 0)
		check_names(c, &names);
	free_names(&names);
	close(c->fd);
	return r;
}

static void
check_journal(struct check *c)
{
	struct names names = {0};

	MAP_FOREACH (slot, &c->q->messages) {
		const struct message *m = slot->value;

		if (m->item.where == STORE_JOURNAL)
			add_name(&names, m->item.id);
	}
	for (size_t i = 0; i < names.n; i++) {
		struct message *m = message_find(c->q, str_c(names.list[i]));

		if (m != NULL && m->item.where == STORE_JOURNAL)
			read_message(c, m);
		if (task_yield() < 0)
			break;
	}
	free_names(&names);
}

void
admin_check(struct admin_request *r)
{
	const struct admin_check *asked = r->parcel.value;
	struct check c = {
	    .request = r,
	    .q = r->qmgr,
	    .part = (unsigned)asked->part,
	    .has_content = asked->has_content,
	};
	int error = 0;

	while (!c.q->is_scanned) /* not all names are known yet */
		if (task_sleep(clock_after(SCAN_TICK)) < 0)
			return;
	if (c.part == ADMIN_CHECK_JOURNAL)
		check_journal(&c);
	else
		error = check_directory(&c);
	if (error < 0) {
		admin_end(
		    r, 0, -error, "%s: %s", c.directory, strerror(-error));
		return;
	}
	admin_send(r, ADMIN_CHECKED, &c.found, NULL, 0);
}
