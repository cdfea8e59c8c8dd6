/* SPDX-License-Identifier: ISC */
/* log_target - opening the log's target. */
#include "mail/log_target.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#define SYSLOG_NAMES
#include <syslog.h>
#include <unistd.h>

#define SYSLOG_SOCKET "/dev/log"
#define FILE_MODE     0644

static int
open_syslog(struct buf *why)
{
	static const struct sockaddr_un to = {
	    .sun_family = AF_UNIX,
	    .sun_path = SYSLOG_SOCKET,
	};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		r = errno == ECONNREFUSED ? -ENOENT : -errno;
	if (r == 0)
		return fd;
	fd_close(&fd);
	buf_addf(why, "%s: %s", SYSLOG_SOCKET, strerror(-r));
	return r;
}

/* SECURITY: as root, a log lies where maillog_file_prefixes allow. */
static bool
is_below_prefix(const struct conf *c, struct str path)
{
	struct str rest = conf_str(c, PARAM_maillog_file_prefixes);
	struct str prefix;

	while ((prefix = str_word(&rest, ", \t\r\n")).len > 0)
		if (str_has_prefix(path, prefix))
			return true;
	return false;
}

int
log_target_of(int fd)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own =
	    open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	/* A socket cannot be opened, nor what belongs to another user. */
	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return own < 0 ? -errno : own;
}

static int
open_file(const struct conf *c, struct str path, struct buf *why)
{
	/* Not where a link leads that somebody left in place of the log. */
	int flags =
	    O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
	char *name;
	int fd;

	if (str_eq(path, STR("/dev/stdout")))
		return log_target_of(STDOUT_FILENO);
	if (geteuid() == 0 && !is_below_prefix(c, path)) {
		buf_addf(why,
		    "maillog_file %.*s is below no directory of "
		    "maillog_file_prefixes",
		    STR_ARG(path));
		return -EPERM;
	}
	name = strndup(path.p, path.len);
	if (name == NULL)
		log_fatal("out of memory");
	fd = open(name, O_WRONLY | flags, FILE_MODE);
	/* A FIFO that nobody reads yet. */
	if (fd < 0 && errno == ENXIO)
		fd = open(name, O_RDWR | flags, FILE_MODE);
	if (fd < 0) {
		fd = -errno;
		buf_addf(why, "maillog_file %s: %s", name, strerror(-fd));
	}
	free(name);
	return fd;
}

int
log_target_open(
    const struct conf *c, enum log_target *ret_target, struct buf *why)
{
	struct str path = conf_str(c, PARAM_maillog_file);

	*ret_target = path.len > 0 ? LOG_TARGET_FILE : LOG_TARGET_SYSLOG;
	return path.len > 0 ? open_file(c, path, why) : open_syslog(why);
}

/* -1: none of that name. */
static int
find_facility(struct str name)
{
	for (const CODE *f = facilitynames; f->c_name != NULL; f++)
		if (str_eq_case(name, str_c(f->c_name)))
			return f->c_val;
	return -1;
}

bool
log_target_is_facility(struct str name)
{
	return find_facility(name) >= 0;
}

int
log_target_facility(const struct conf *c)
{
	int facility = find_facility(conf_str(c, PARAM_syslog_facility));

	return facility >= 0 ? facility : LOG_MAIL;
}

void
log_target_names(const struct conf *c)
{
	log_name(conf_str(c, PARAM_syslog_name));
	log_host(conf_str(c, PARAM_myhostname));
	log_facility(log_target_facility(c));
}
