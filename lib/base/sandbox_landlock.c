/* SPDX-License-Identifier: ISC */
/*
 * sandbox_landlock - files out of reach whatever their modes say.  By raw
 * system calls: the names of the newer rights are not in Debian 12's headers.
 */
#include "base/file.h"
#include "base/sandbox_impl.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERSION_FLAG   1
#define RULE_PATH      1
#define READ_RIGHTS    0xdu    /* execute, read file, read directory */
#define BASE_RIGHTS    0x1fffu /* ABI 1 */
#define REFER_RIGHT    0x2000u /* 2: rename and link between directories */
#define TRUNCATE_RIGHT 0x4000u /* 3 */
#define IOCTL_RIGHT    0x8000u /* 5: on devices */
#define TCP_RIGHTS     0x3u    /* 4: bind, connect */
#define SCOPES         0x3u    /* 6: abstract sockets, signals */

/* The kernel's struct, which grew with the ABI: the size says how far. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

int
sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	const char *lowered = getenv("VALIJA_LANDLOCK_ABI");
	uint64_t n;

	if (abi < 0)
		return 0;
	if (lowered != NULL && str_parse_u64(str_c(lowered), 100, &n) == 0 &&
	    (long)n < abi)
		return (int)n;
	return (int)abi;
}

static uint64_t
file_rights(int abi)
{
	uint64_t rights = BASE_RIGHTS;

	if (abi >= 2)
		rights |= REFER_RIGHT;
	if (abi >= 3)
		rights |= TRUNCATE_RIGHT;
	if (abi >= 5)
		rights |= IOCTL_RIGHT;
	return rights;
}

static int
make_ruleset(int abi, bool may_use_tcp)
{
	struct ruleset rules = {.fs = file_rights(abi)};
	size_t size = sizeof(rules.fs);
	long fd;

	if (abi >= 4) {
		rules.net = may_use_tcp ? 0 : TCP_RIGHTS;
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		rules.scoped = SCOPES;
		size = sizeof(rules);
	}
	fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

static int
allow(int ruleset, int dir_fd, uint64_t rights)
{
	struct path_rule rule = {rights, dir_fd};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

static int
allow_reading(int ruleset)
{
	FD_CLEANUP int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : allow(ruleset, root, READ_RIGHTS);
}

int
landlock_enter(enum landlock_tree tree, bool may_use_tcp, const int *dir_fds,
    size_t ndir_fds)
{
	int abi = sandbox_landlock_abi();
	FD_CLEANUP int ruleset = -1;
	int r = 0;

	if (abi == 0)
		return 0;
	ruleset = make_ruleset(abi, may_use_tcp);
	if (ruleset < 0)
		return ruleset;
	if (tree == LANDLOCK_READ)
		r = allow_reading(ruleset);
	for (size_t i = 0; r == 0 && i < ndir_fds; i++)
		r = allow(ruleset, dir_fds[i], file_rights(abi));
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -errno;
	return 0;
}
