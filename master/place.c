/* SPDX-License-Identifier: ISC */
/*
 * place - the directories of the suite: made when they are missing, refused
 * when someone else could write where we trust (security: a start is the last
 * moment to notice), and the lock of the one master that runs.
 */
#include "master.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE  "pid/master.pid"
#define QUEUE_LOCK "pid/queue.lock"
#define QUEUE_TIME (20 * CLOCK_SEC)
#define QUEUE_TICK 20000 /* microseconds */

enum owner {
	OWNER_ROOT,
	OWNER_QUEUE,
	OWNER_PICKUP
};

static const struct place {
	const char *name; /* in the queue directory */
	enum owner owner;
	mode_t mode;
	mode_t mode_alone; /* when all is one user's */
	bool has_mail_group;
} places[] = {
    {"pid", OWNER_ROOT, 0755, 0755, false},
    {"empty", OWNER_ROOT, 0755, 0755, false},
    {"public", OWNER_ROOT, 0755, 0755, false},
    {"private", OWNER_ROOT, 0710, 0700, true},
    {"maildrop", OWNER_PICKUP, 01733, 0700, false},
    {"journal", OWNER_QUEUE, 0700, 0700, false},
    {"deferred", OWNER_QUEUE, 0700, 0700, false},
    {"hold", OWNER_QUEUE, 0700, 0700, false},
    {"corrupt", OWNER_QUEUE, 0700, 0700, false},
    {"tmp", OWNER_QUEUE, 0700, 0700, false},
};

struct expected {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static int
expect(const struct master *m, const struct place *p, struct expected *ret)
{
	struct sandbox_identity who;
	struct service like = {.plan = m->plan};
	const char *owner = p->owner == OWNER_QUEUE ? "qmgr" : "pickup";
	int r;

	*ret = (struct expected){.uid = geteuid(), .gid = getegid()};
	ret->mode = m->is_root ? p->mode : p->mode_alone;
	if (!m->is_root)
		return 0;
	like.program =
	    program_find(p->has_mail_group ? STR("smtpd") : str_c(owner));
	r = who_is(m, &like, &who);
	if (r < 0)
		return r;
	if (p->owner != OWNER_ROOT) {
		ret->uid = who.uid;
		ret->gid = who.gid;
	}
	if (p->has_mail_group && who.ngroups > 0)
		ret->gid = who.groups[0];
	return 0;
}

/* sendmail(1) leaves mail here while we are down; pickup is to read it. */
static int
share_with_owner(int fd, uid_t uid)
{
	char text[64], path[64];
	acl_t acl;
	int r;

	snprintf(text, sizeof(text), "u::rw,u:%u:r,g::-,m::r,o::-", uid);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	acl = acl_from_text(text);
	if (acl == NULL)
		return -errno;
	r = acl_set_file(path, ACL_TYPE_DEFAULT, acl) < 0 ? -errno : 0;
	acl_free(acl);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int
make(const struct master *m, const struct place *p, const struct expected *e,
    int fd)
{
	int r;

	if (fchown(fd, e->uid, e->gid) < 0 || fchmod(fd, e->mode) < 0)
		return -errno;
	if (p->owner == OWNER_PICKUP && m->is_root) {
		r = share_with_owner(fd, e->uid);
		if (r < 0)
			return r;
	}
	/* Half made after a power cut, it would be refused. */
	return fsync(fd) < 0 ? -errno : 0;
}

/* SECURITY: what others could write to or swap is not used. */
static int
check(const struct master *m, const struct place *p, const struct expected *e,
    int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == e->uid && (st.st_mode & 07777) == e->mode)
		return 0;
	log_error("%.*s/%s has owner %u and mode %04o: must be %u and %04o "
		  "(chown and chmod it, if nobody tampered with it)",
	    STR_ARG(m->queue_directory), p->name, st.st_uid, st.st_mode & 07777,
	    e->uid, e->mode);
	return -EPERM;
}

static int
open_place(const struct master *m, const struct place *p, int *ret_fd)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct expected e;
	bool is_new;
	int fd, r = expect(m, p, &e);

	if (r < 0)
		return r;
	is_new = mkdirat(m->queue_fd, p->name, 0700) == 0;
	fd = openat(m->queue_fd, p->name, flags);
	if (fd < 0)
		return -errno;
	r = is_new ? make(m, p, &e, fd) : 0;
	if (r == 0)
		r = check(m, p, &e, fd);
	if (r == 0 && ret_fd != NULL)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

/* The way to the queue: none but root and we may change a step of it. */
static int
check_parents(const char *path)
{
	char *copy = strdup(path);
	struct stat st;
	int r = 0;

	if (copy == NULL)
		log_fatal("out of memory for a path");
	for (char *slash = strrchr(copy, '/'); r == 0 && slash != NULL;
	     slash = strrchr(copy, '/')) {
		*slash = '\0';
		if (stat(*copy == '\0' ? "/" : copy, &st) < 0)
			r = -errno;
		else if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
			 ((st.st_mode & 022) != 0 &&
			     (st.st_mode & S_ISVTX) == 0)) {
			log_error("%s: others may change what is in it",
			    *copy == '\0' ? "/" : copy);
			r = -EPERM;
		}
	}
	free(copy);
	return r;
}

static int
open_root(
    const struct master *m, const char *name, enum param param, int *ret_fd)
{
	const char *path =
	    arena_cstr(&m->plan->arena, conf_str(m->plan->conf, param));
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd, r;

	if (*path != '/') {
		log_error("%s %s is no absolute path", name, path);
		return -EINVAL;
	}
	r = check_parents(path);
	if (r < 0)
		return r;
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		r = -errno;
		log_error("%s %s: %s", name, path, strerror(-r));
		return r;
	}
	fd = open(path, flags);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		log_error("%s %s: %s", name, path, strerror(-r));
		fd_close(&fd);
		return r;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		log_error("%s %s must be owned by user %u and be writable "
			  "by none other",
		    name, path, geteuid());
		close(fd);
		return -EPERM;
	}
	*ret_fd = fd;
	return 0;
}

int
place_open(struct master *m)
{
	int data_fd = -1;
	int r = open_root(
	    m, "queue_directory", PARAM_queue_directory, &m->queue_fd);

	if (r == 0)
		r = open_root(
		    m, "data_directory", PARAM_data_directory, &data_fd);
	fd_close(&data_fd);
	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(places[0]);
	     i++) {
		r = open_place(m, &places[i],
		    places[i].owner == OWNER_PICKUP ? &m->maildrop_fd : NULL);
		if (r < 0 && r != -EPERM)
			log_error("%.*s/%s: %s", STR_ARG(m->queue_directory),
			    places[i].name, strerror(-r));
	}
	return r == 0 ? dir_sync(m->queue_fd) : r;
}

static int
open_lock(const struct master *m, const char *name)
{
	int fd = openat(
	    m->queue_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? -errno : fd;
}

static int
take_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/*
 * A qmgr whose master was killed still has the queue open for the moment that
 * it needs to leave, and so has that of a tool.  It holds this lock as well:
 * a queue has one owner.
 */
int
place_lock_queue(struct master *m)
{
	int64_t deadline = clock_after(QUEUE_TIME);
	int r;

	m->queue_lock_fd = open_lock(m, QUEUE_LOCK);
	if (m->queue_lock_fd < 0)
		return m->queue_lock_fd;
	while ((r = take_lock(m->queue_lock_fd)) == -EAGAIN) {
		clock_update();
		if (clock_mono() > deadline)
			break;
		usleep(QUEUE_TICK);
	}
	if (r < 0)
		log_error("the queue is still open in another process");
	return r;
}

int
place_lock(struct master *m)
{
	char text[32] = "";
	int n, r;

	m->lock_fd = open_lock(m, LOCK_FILE);
	if (m->lock_fd < 0)
		return m->lock_fd;
	r = take_lock(m->lock_fd);
	if (r < 0) {
		if (pread(m->lock_fd, text, sizeof(text) - 1, 0) < 0)
			*text = '\0';
		text[strcspn(text, "\n")] = '\0';
		log_error(
		    "the Postfix mail system is already running: PID:%s", text);
		fd_close(&m->lock_fd);
		return r;
	}
	n = snprintf(text, sizeof(text), "%10d\n", (int)getpid());
	if (ftruncate(m->lock_fd, 0) < 0 ||
	    pwrite(m->lock_fd, text, (size_t)n, 0) != n) {
		log_error("%s: %s", LOCK_FILE, strerror(errno));
		return -EIO;
	}
	return place_lock_queue(m);
}

void
place_unlock(struct master *m)
{
	if (m->lock_fd < 0)
		return;
	/* The file stays, empty: removing it could let two masters in. */
	if (ftruncate(m->lock_fd, 0) < 0)
		log_warning("%s: %s", LOCK_FILE, strerror(errno));
	fd_close(&m->lock_fd);
}
