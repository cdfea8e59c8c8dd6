/* SPDX-License-Identifier: ISC */
/*
 * sandbox_seccomp - the calls a program may make, by libseccomp.  The tables
 * below are the documentation.  Names that an architecture does not have are
 * skipped; clone3 answers ENOSYS, so that libc takes clone, whose flags a
 * filter can see.
 */
#include "base/file.h"
#include "base/sandbox_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEW_NAMESPACES                                                         \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct group {
	unsigned call; /* of enum sandbox_call; 0: every program */
	const char *const *names;
};

static const char *const base[] = {"brk", "clock_getres", "clock_gettime",
    "clock_nanosleep", "close", "close_range", "dup", "dup3", "epoll_create1",
    "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
    "exit", "exit_group", "fadvise64", "fcntl", "fstat", "fstatfs", "futex",
    "getegid", "geteuid", "getgid", "getpeername", "getpid", "getppid",
    "getrandom", "getrusage", "getsockname", "getsockopt", "gettid",
    "gettimeofday", "getuid", "lseek", "madvise", "membarrier", "mremap",
    "munmap", "nanosleep", "newfstatat", "pipe2", "poll", "ppoll", "pread64",
    "preadv", "pselect6", "pwrite64", "pwritev", "read", "readv", "recvfrom",
    "recvmmsg", "recvmsg", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sched_getaffinity",
    "sched_yield", "select", "sendfile", "sendmmsg", "sendmsg", "sendto",
    "set_robust_list", "setsockopt", "shutdown", "sigaltstack", "signalfd4",
    "splice", "sysinfo", "tgkill", "time", "timerfd_create", "timerfd_settime",
    "uname", "write", "writev", NULL};

static const char *const accepting[] = {"accept4", NULL};
static const char *const connecting[] = {"bind", "connect", NULL};

/* Not truncate: below ABI 3 Landlock does not see it. */
static const char *const files[] = {"access", "chdir", "faccessat",
    "faccessat2", "fchdir", "fchmod", "fchmodat", "fgetxattr", "flock",
    "ftruncate", "getcwd", "getdents64", "link", "linkat", "lstat", "mkdir",
    "mkdirat", "open", "openat", "openat2", "readlink", "readlinkat", "rename",
    "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "umask",
    "unlink", "unlinkat", "utimensat", NULL};

static const char *const flushing[] = {
    "fallocate", "fdatasync", "fsync", "sync_file_range", "syncfs", NULL};
static const char *const forking[] = {
    "fork", "kill", "setpgid", "setsid", "vfork", "wait4", "waitid", NULL};
static const char *const executing[] = {
    "arch_prctl", "dup2", "execve", "execveat", "prlimit64", NULL};
static const char *const switching[] = {"capset", "getgroups", "getresgid",
    "getresuid", "setgroups", "prctl", NULL};
static const char *const locking[] = {"capget", "mlockall", NULL};
static const char *const memory_files[] = {"ftruncate", "memfd_create", NULL};
static const char *const name_service[] = {"access", "arch_prctl", "bind",
    "connect", "faccessat", "faccessat2", "getcwd", "getdents64", "ioctl",
    "lstat", "readlink", "readlinkat", "stat", "statfs", "statx", NULL};

static const struct group groups[] = {
    {0, base},
    {SANDBOX_ACCEPT, accepting},
    {SANDBOX_INET, connecting},
    {SANDBOX_UNIX, connecting},
    {SANDBOX_FILES, files},
    {SANDBOX_FLUSH, flushing},
    {SANDBOX_FORK, forking},
    {SANDBOX_EXEC, executing},
    {SANDBOX_SETID, switching},
    {SANDBOX_MEMFD, memory_files},
    {SANDBOX_LOCK, locking},
    {SANDBOX_NSS, name_service},
};

/* What nobody needs who delivers mail, not even a user's command. */
static const char *const never[] = {"acct", "add_key", "bpf", "delete_module",
    "finit_module", "init_module", "ioperm", "iopl", "kexec_file_load",
    "kexec_load", "keyctl", "mount", "mount_setattr", "move_mount",
    "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root",
    "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "reboot",
    "request_key", "setdomainname", "sethostname", "settimeofday", "swapoff",
    "swapon", "syslog", "umount2", "unshare", "userfaultfd", "vhangup", NULL};

#if defined(__SANITIZE_ADDRESS__)
/* What the sanitizers' own code asks for. */
static const char *const sanitizing[] = {"open", "openat", "prctl", "prlimit64",
    "readlink", "readlinkat", "sched_getaffinity", NULL};
#endif

static int
add_names(scmp_filter_ctx f, uint32_t action, const char *const *names)
{
	for (; *names != NULL; names++) {
		int nr = seccomp_syscall_resolve_name(*names);
		int r;

		if (nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(f, action, nr, 0);
		if (r < 0 && r != -EDOM && r != -EEXIST)
			return r;
	}
	return 0;
}

/* One argument, under a mask, has a value; where the whole call is allowed
 * already, that stays. */
static int
add_masked(
    scmp_filter_ctx f, int nr, unsigned arg, uint64_t mask, uint64_t value)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1,
	    SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value));

	return r == -EEXIST ? 0 : r;
}

static int
add_equal(scmp_filter_ctx f, int nr, unsigned arg, uint64_t value)
{
	return add_masked(f, nr, arg, UINT64_MAX, value);
}

/* SECURITY: no memory becomes code, but where modules or programs load. */
static int
add_memory(scmp_filter_ctx f, unsigned calls)
{
	bool loads = (calls & (SANDBOX_NSS | SANDBOX_EXEC)) != 0;
	uint64_t mask = loads ? 0 : PROT_EXEC;
	int r = add_masked(f, SCMP_SYS(mmap), 2, mask, 0);

	return r < 0 ? r : add_masked(f, SCMP_SYS(mprotect), 2, mask, 0);
}

static int
add_sockets(scmp_filter_ctx f, unsigned calls)
{
	static const struct {
		unsigned calls;
		int family;
	} families[] = {
	    {SANDBOX_INET | SANDBOX_NSS, AF_INET},
	    {SANDBOX_INET | SANDBOX_NSS, AF_INET6},
	    {SANDBOX_UNIX | SANDBOX_NSS, AF_UNIX},
	    {SANDBOX_NSS, AF_NETLINK},
	};
	int r = add_equal(f, SCMP_SYS(socketpair), 0, AF_UNIX);

	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(*families);
	     i++)
		if ((calls & families[i].calls) != 0)
			r = add_equal(f, SCMP_SYS(socket), 0,
			    (uint64_t)families[i].family);
	return r;
}

/* Threads of this process, or children without namespaces of their own. */
static int
add_clone(scmp_filter_ctx f, unsigned calls)
{
	uint64_t thread = CLONE_VM | CLONE_THREAD;
	int r =
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (r == 0 && (calls & SANDBOX_THREAD) != 0)
		r = add_masked(
		    f, SCMP_SYS(clone), 0, thread | NEW_NAMESPACES, thread);
	if (r == 0 && (calls & SANDBOX_FORK) != 0)
		r = add_masked(
		    f, SCMP_SYS(clone), 0, CLONE_THREAD | NEW_NAMESPACES, 0);
	return r;
}

/* Reading limits is everybody's, setting them nobody's. */
static int
add_rest(scmp_filter_ctx f, unsigned calls)
{
	int r = add_equal(f, SCMP_SYS(prlimit64), 2, 0);

	if (r == 0 && (calls & SANDBOX_NSS) != 0)
		r = add_masked(f, SCMP_SYS(openat), 2,
		    O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	if (r == 0 && (calls & SANDBOX_NSS) != 0)
		r = add_masked(f, SCMP_SYS(open), 1,
		    O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	return r;
}

static int
add_allowed(scmp_filter_ctx f, unsigned calls)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(groups) / sizeof(*groups); i++)
		if (groups[i].call == 0 || (calls & groups[i].call) != 0)
			r = add_names(f, SCMP_ACT_ALLOW, groups[i].names);
#if defined(__SANITIZE_ADDRESS__)
	if (r == 0)
		r = add_names(f, SCMP_ACT_ALLOW, sanitizing);
#endif
	if (r == 0)
		r = add_memory(f, calls);
	if (r == 0)
		r = add_sockets(f, calls);
	if (r == 0)
		r = add_clone(f, calls);
	return r == 0 ? add_rest(f, calls) : r;
}

struct id_call {
	int nr;
	unsigned nargs;
};

static const struct id_call uid_calls[] = {
    {SCMP_SYS(setuid), 1},
    {SCMP_SYS(setreuid), 2},
    {SCMP_SYS(setresuid), 3},
    {SCMP_SYS(setfsuid), 1},
};
static const struct id_call gid_calls[] = {
    {SCMP_SYS(setgid), 1},
    {SCMP_SYS(setregid), 2},
    {SCMP_SYS(setresgid), 3},
    {SCMP_SYS(setfsgid), 1},
};
#define NID_CALLS 4

static int
refuse_id(scmp_filter_ctx f, uint32_t action, const struct id_call *calls,
    enum scmp_compare how, uint64_t id)
{
	int r = 0;

	for (size_t i = 0; i < NID_CALLS; i++)
		for (unsigned a = 0; r == 0 && a < calls[i].nargs; a++)
			r = seccomp_rule_add(f, action, calls[i].nr, 1,
			    SCMP_CMP32(a, how, (uint32_t)id));
	return r;
}

/*
 * SECURITY: what holds mda, whose capabilities would make it root: it takes
 * no uid below the site's lowest user, none of the suite's own, and not the
 * group of root.  -1 leaves an id as it is and, as the largest number, passes.
 */
static int
refuse_ids(
    scmp_filter_ctx f, uint32_t action, const struct sandbox_identity *who)
{
	int r = refuse_id(f, action, uid_calls, SCMP_CMP_LT, who->min_uid);

	if (r == 0)
		r = refuse_id(f, action, gid_calls, SCMP_CMP_EQ, 0);
	for (size_t i = 0; r == 0 && i < who->nrefused; i++)
		if (who->refused[i] >= who->min_uid)
			r = refuse_id(
			    f, action, uid_calls, SCMP_CMP_EQ, who->refused[i]);
	return r;
}

/* The filter of children as well, users' commands among them. */
static int
add_refused(
    scmp_filter_ctx f, uint32_t action, const struct sandbox_identity *who)
{
	int r = add_names(f, action, never);

	return r < 0 ? r : refuse_ids(f, action, who);
}

/* As the kernel takes it, by way of a file in memory. */
static struct sandbox_filter *export(scmp_filter_ctx f)
{
	FD_CLEANUP int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sandbox_filter *filter;
	off_t size;

	if (fd < 0 || seccomp_export_bpf(f, fd) < 0)
		return NULL;
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0)
		return NULL;
	filter = malloc(sizeof(*filter) + (size_t)size);
	if (filter == NULL)
		return NULL;
	filter->n = (unsigned short)((size_t)size / sizeof(*filter->code));
	if (fd_pread_all(fd, filter->code, (size_t)size, 0) < 0) {
		free(filter);
		return NULL;
	}
	return filter;
}

static int
compile(const struct sandbox *s, const struct sandbox_identity *who,
    struct sandbox_filter **ret)
{
	bool kills = getenv("VALIJA_SANDBOX_KILL") != NULL;
	uint32_t refuse = kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
	bool is_broker =
	    (s->calls & SANDBOX_SETID) != 0 && (s->calls & SANDBOX_EXEC) != 0;
	scmp_filter_ctx f = seccomp_init(is_broker ? SCMP_ACT_ALLOW : refuse);
	int r;

	if (f == NULL)
		return -ENOMEM;
	r = is_broker ? add_refused(f, SCMP_ACT_ERRNO(EPERM), who)
	              : add_allowed(f, s->calls);
	if (r == 0) {
		*ret = export(f);
		if (*ret == NULL)
			r = -ENOMEM;
	}
	seccomp_release(f);
	return r;
}

int
sandbox_compile(const struct sandbox *s, struct sandbox_filter **ret)
{
	return compile(s, NULL, ret);
}

int
seccomp_install(const struct sandbox_filter *filter)
{
	struct sock_fprog program = {
	    .len = filter->n,
	    .filter = (struct sock_filter *)(uintptr_t)filter->code,
	};

	/* no_new_privs is as sandbox.c wants it. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}

int
seccomp_enter(const struct sandbox *s, const struct sandbox_identity *who)
{
	struct sandbox_filter *filter;
	int r = compile(s, who, &filter);

	if (r < 0)
		return r;
	r = seccomp_install(filter);
	free(filter);
	return r;
}
