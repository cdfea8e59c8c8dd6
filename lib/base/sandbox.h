/* SPDX-License-Identifier: ISC */
/*
 * sandbox - what a program may do, in one table, and the way into it.
 *
 * Each program declares one struct sandbox.  sandbox_enter() turns it into
 * chroot to an empty directory, groups and uid, empty capability sets,
 * no_new_privs, Landlock, limits and a seccomp filter, in that order.  A file
 * a mechanism: sandbox_seccomp.c, sandbox_landlock.c, sandbox_privs.c.
 *
 * A call outside the filter fails with EPERM (with VALIJA_SANDBOX_KILL in the
 * environment, as the tests set it: kills the process).  A kernel without
 * Landlock, or with an older ABI than hoped for, is not fatal: see
 * sandbox_landlock_abi().  Every other failure to enter is.
 *
 * Landlock leaves a program the directories it is handed in `dir_fds` and
 * nothing else.  One without chroot may read what its uid may read (lookup),
 * or, when it has SANDBOX_SETID, is not held by Landlock at all (mda, whose
 * children need their users' files and shut themselves in with
 * sandbox_confine()).  For the same reason the filter of a program that has
 * SANDBOX_SETID and SANDBOX_EXEC names what is refused, not what is allowed,
 * and no_new_privs is off in it: a user's command inherits both.  It refuses
 * uids below min_uid and those in `refused`, and the gid of root.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What is needed beyond the base set (the event loop, memory, time, I/O on
 * descriptors that are held, socketpairs, sends and receives). */
enum sandbox_call {
	SANDBOX_ACCEPT = 1 << 0, /* accept4 on a listener that was given */
	SANDBOX_INET = 1 << 1,   /* socket, bind, connect: AF_INET, AF_INET6 */
	SANDBOX_FILES = 1 << 2,  /* openat, rename, unlink, mkdir, stat ... */
	SANDBOX_FLUSH = 1 << 3,  /* fsync, fdatasync, syncfs, fallocate */
	SANDBOX_THREAD = 1 << 4, /* one more thread */
	SANDBOX_FORK = 1 << 5,   /* fork, wait */
	SANDBOX_EXEC = 1 << 6,
	SANDBOX_SETID = 1 << 7, /* setresuid/gid/groups, not below min_uid */
	SANDBOX_MEMFD = 1 << 8, /* memfd_create, seals */
	SANDBOX_NSS = 1 << 9,   /* what getpwnam and friends may need */
	SANDBOX_UNIX = 1 << 10, /* connect to sockets below the root */
	SANDBOX_LOCK = 1 << 11, /* keep memory out of the swap */
};

struct sandbox_limits {
	size_t address_space; /* bytes; 0: none */
	size_t descriptors;   /* 0: as inherited */
	size_t file_size;     /* 0: none */
};

struct sandbox {
	unsigned calls; /* of enum sandbox_call */
	bool chroot;    /* false only for mda, lookup */
	struct sandbox_limits limits;
};

#define SANDBOX_GROUPS  32
#define SANDBOX_REFUSED 32

/* Who to become; from master's arguments. */
struct sandbox_identity {
	bool switch_user; /* false: the suite runs as one user */
	uid_t uid;
	gid_t gid;
	gid_t groups[SANDBOX_GROUPS];
	size_t ngroups;
	const char *root;   /* the empty directory; NULL: no chroot */
	unsigned keep_caps; /* mda: CAP_SETUID, CAP_SETGID as bits */
	uid_t min_uid;      /* lowest uid that SANDBOX_SETID may take ... */
	uid_t refused[SANDBOX_REFUSED]; /* ... and those it may not */
	size_t nrefused;
	const int *dir_fds; /* Landlock: directories that stay usable */
	size_t ndir_fds;
};

/* 0 or -errno, *ret_step saying where it failed. */
int sandbox_enter(const struct sandbox *s, const struct sandbox_identity *who,
    const char **ret_step);

/*
 * A seccomp filter made beforehand, for many processes: 0 or -errno.  It is
 * never freed.
 */
struct sandbox_filter;
int sandbox_compile(const struct sandbox *s, struct sandbox_filter **ret);

/*
 * The part that any process may do to itself, on top of what already holds
 * it: no_new_privs, Landlock, limits, seccomp (`filter`, of the same `s`).
 * For mda's children, after they became the user.
 */
int sandbox_confine(const struct sandbox *s,
    const struct sandbox_filter *filter, const int *dir_fds, size_t ndir_fds,
    const char **ret_step);

/* Give up every capability, also ambient ones; for mda's children. */
int sandbox_drop_caps(void);

#define SANDBOX_LANDLOCK_HOPED 2 /* Debian 12 */

int sandbox_landlock_abi(void); /* 0: none; VALIJA_LANDLOCK_ABI lowers it */

#endif
