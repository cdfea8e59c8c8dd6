/* SPDX-License-Identifier: ISC */
/* unix - sockets in the file system.  Owns nothing. */
#include "net/unix.h"

#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
make_address(int dirfd, const char *name, struct sockaddr_un *ret)
{
	if (name[0] == '\0' || strlen(name) > UNIX_NAME_MAX ||
	    strchr(name, '/') != NULL)
		return -EINVAL;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s",
	    dirfd, name);
	return 0;
}

static int
open_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int
remove_socket(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
}

static int
open_name(int fd, int dirfd, const char *name, int type, mode_t mode)
{
	struct sockaddr_un sa;
	int r = make_address(dirfd, name, &sa);

	if (r == 0)
		r = remove_socket(dirfd, name);
	if (r < 0)
		return r;
	/* Nobody gets in before the mode is what it shall be. */
	if (fchmod(fd, 0) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	if (type != SOCK_DGRAM && listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return fchmodat(dirfd, name, mode, 0) < 0 ? -errno : 0;
}

int
unix_listen(int dirfd, const char *name, int type, mode_t mode)
{
	int fd = open_socket(type);
	int r;

	if (fd < 0)
		return fd;
	r = open_name(fd, dirfd, name, type, mode);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int
unix_connect(int dirfd, const char *name, int type)
{
	struct sockaddr_un sa;
	int r = make_address(dirfd, name, &sa);
	int fd = r < 0 ? r : open_socket(type);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}
