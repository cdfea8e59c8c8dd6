/* SPDX-License-Identifier: ISC */
/* Each test enters a sandbox in a child and tries there what it must not. */
#include "tap.h"

#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define USER   4711

/* The line of the first check that failed; 0: none. */
static int failed_at;

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what) && failed_at == 0)                                 \
			failed_at = __LINE__;                                  \
	} while (0)
#define CHECK_ERRNO(call, error) CHECK((call) < 0 && errno == (error))

/* The sanitizers' own code opens files, and so may all of the process. */
#if defined(__SANITIZE_ADDRESS__)
#define CHECK_NO_OPEN(call) (void)(call)
#else
#define CHECK_NO_OPEN(call) CHECK_ERRNO(call, EPERM)
#endif

static char dir[] = "/tmp/valija-sandbox-XXXXXX";
static int dir_fd;

static void
enter(const struct sandbox *s, const struct sandbox_identity *who)
{
	const char *step = "";
	int r = sandbox_enter(s, who, &step);

	if (r < 0) {
		fprintf(stderr, "# %s: %s\n", step, strerror(-r));
		failed_at = __LINE__;
	}
}

static void
run(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		if (failed_at != 0)
			fprintf(stderr, "# line %d\n", failed_at);
		_exit(failed_at != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
try_without_anything(void)
{
	static const struct sandbox s = {.chroot = true};
	static const struct sandbox_identity who = {0};
	int sv[2];
	char c;

	enter(&s, &who);
	CHECK_NO_OPEN(open("/etc/passwd", O_RDONLY));
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	CHECK_ERRNO(execl("/bin/true", "true", (char *)NULL), EPERM);
	CHECK_ERRNO(unlink("/tmp/x"), EPERM);
	CHECK_ERRNO(truncate("/tmp/x", 0), EPERM);
	CHECK_ERRNO(kill(getppid(), 0), EPERM);
	CHECK_ERRNO(setuid(getuid()), EPERM);
	CHECK_ERRNO(fork(), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	      MAP_FAILED);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	CHECK(write(sv[0], "x", 1) == 1);
	CHECK(read(sv[1], &c, 1) == 1);
}

static void
nothing_is_allowed_by_default(void **state)
{
	(void)state;
	run(try_without_anything);
}

static void
try_one_directory(void)
{
	static const struct sandbox s = {
	    .calls = SANDBOX_FILES | SANDBOX_FLUSH,
	    .chroot = true,
	};
	struct sandbox_identity who = {.dir_fds = &dir_fd, .ndir_fds = 1};
	int fd;

	enter(&s, &who);
	fd = openat(dir_fd, "new", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK(fsync(fd) == 0);
	CHECK(mkdirat(dir_fd, "sub", 0700) == 0);
	CHECK(renameat(dir_fd, "new", dir_fd, "sub/moved") == 0);
	CHECK(unlinkat(dir_fd, "sub/moved", 0) == 0);
	CHECK(unlinkat(dir_fd, "sub", AT_REMOVEDIR) == 0);
	if (sandbox_landlock_abi() > 0) {
		CHECK_ERRNO(open("/etc/passwd", O_RDONLY), EACCES);
		CHECK_ERRNO(open("/tmp/other", O_RDWR | O_CREAT, 0600), EACCES);
	}
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EPERM);
}

static void
files_are_those_of_its_directories(void **state)
{
	(void)state;
	run(try_one_directory);
}

static void
with_old_landlock(void)
{
	setenv("VALIJA_LANDLOCK_ABI", "2", 1);
	CHECK(sandbox_landlock_abi() <= 2);
	try_one_directory();
}

static void
landlock_of_debian_12_will_do(void **state)
{
	(void)state;
	run(with_old_landlock);
}

static void
try_reading(void)
{
	static const struct sandbox s = {.calls = SANDBOX_NSS};
	static const struct sandbox_identity who = {0};

	enter(&s, &who);
	CHECK(open("/etc/passwd", O_RDONLY) >= 0);
	CHECK_NO_OPEN(open("/tmp/other", O_RDWR | O_CREAT, 0600));
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void
name_service_reads_all_and_writes_nothing(void **state)
{
	(void)state;
	run(try_reading);
}

static void
try_inet(void)
{
	static const struct sandbox s = {.calls = SANDBOX_INET, .chroot = true};
	static const struct sandbox_identity who = {0};

	enter(&s, &who);
	CHECK(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
	CHECK(socket(AF_INET6, SOCK_STREAM, 0) >= 0);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 0), EPERM);
}

static void
inet_is_inet_alone(void **state)
{
	(void)state;
	run(try_inet);
}

static bool
has_status(const char *name, unsigned long long want)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	bool is_found = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			is_found =
			    strtoull(line + strlen(name) + 1, NULL, 16) == want;
	if (f != NULL)
		fclose(f);
	return is_found;
}

static void
try_as_nobody(void)
{
	static const struct sandbox s = {.calls = SANDBOX_FILES};
	static const struct sandbox_identity who = {
	    .switch_user = true,
	    .uid = NOBODY,
	    .gid = NOBODY,
	    .groups = {USER},
	    .ngroups = 1,
	};

	enter(&s, &who);
	CHECK(getuid() == NOBODY && getegid() == NOBODY);
	CHECK_ERRNO(setuid(0), EPERM);
	CHECK(has_status("CapPrm:", 0));
	CHECK(has_status("CapEff:", 0));
	CHECK(has_status("CapBnd:", 0));
	CHECK(has_status("NoNewPrivs:", 1));
	CHECK(has_status("Seccomp:", 2));
	CHECK(has_status("Groups:", 0x4711));
}

static void
another_user_without_capabilities(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run(try_as_nobody);
}

static void
try_in_a_root(void)
{
	static const struct sandbox s = {
	    .calls = SANDBOX_FILES, .chroot = true};
	struct sandbox_identity who = {
	    .switch_user = true,
	    .uid = NOBODY,
	    .gid = NOBODY,
	    .root = dir,
	};

	enter(&s, &who);
	CHECK_ERRNO(open("/etc/passwd", O_RDONLY), ENOENT);
}

static void
the_root_is_empty(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run(try_in_a_root);
}

/* mda: may become users, never a system's or root, and forks commands. */
static void
try_as_broker(void)
{
	static const struct sandbox s = {
	    .calls = SANDBOX_SETID | SANDBOX_EXEC | SANDBOX_FORK};
	static const struct sandbox_identity who = {
	    .switch_user = true,
	    .uid = NOBODY,
	    .gid = NOBODY,
	    .keep_caps = 1u << CAP_SETUID | 1u << CAP_SETGID,
	    .min_uid = 1000,
	};
	static const struct sandbox child = {.calls = SANDBOX_FILES};
	const char *step;
	gid_t group = USER;

	enter(&s, &who);
	CHECK(has_status("CapEff:", 1u << CAP_SETUID | 1u << CAP_SETGID));
	CHECK(has_status("CapPrm:", 1u << CAP_SETUID | 1u << CAP_SETGID));
	CHECK(has_status("NoNewPrivs:", 0));
	CHECK(has_status("Seccomp:", 2));
	CHECK_ERRNO(setresuid(0, 0, 0), EPERM);
	CHECK_ERRNO(setresuid(-1, 0, -1), EPERM);
	CHECK_ERRNO(setreuid(USER, 0), EPERM);
	CHECK_ERRNO(setuid(999), EPERM);
	CHECK_ERRNO(setgid(0), EPERM);
	CHECK_ERRNO(unshare(0x10000000), EPERM);
	CHECK(setgroups(1, &group) == 0);
	CHECK(setresgid(USER, USER, USER) == 0);
	CHECK(setresuid(USER, USER, USER) == 0);
	CHECK(sandbox_drop_caps() == 0);
	CHECK(has_status("CapPrm:", 0));
	CHECK_ERRNO(setresuid(USER + 1, USER + 1, USER + 1), EPERM);
	CHECK(sandbox_confine(&child, NULL, NULL, 0, &step) == 0);
	CHECK_ERRNO(execl("/bin/true", "true", (char *)NULL), EPERM);
}

static void
the_broker_becomes_users_alone(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run(try_as_broker);
}

static void
a_forbidden_call_kills_in_tests(void **state)
{
	static const struct sandbox s = {.chroot = true};
	static const struct sandbox_identity who = {0};
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		setenv("VALIJA_SANDBOX_KILL", "1", 1);
		enter(&s, &who);
		socket(AF_INET, SOCK_STREAM, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int
drop_dir(void **state)
{
	(void)state;
	close(dir_fd);
	return rmdir(dir);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_allowed_by_default),
    cmocka_unit_test(files_are_those_of_its_directories),
    cmocka_unit_test(landlock_of_debian_12_will_do),
    cmocka_unit_test(name_service_reads_all_and_writes_nothing),
    cmocka_unit_test(inet_is_inet_alone),
    cmocka_unit_test(another_user_without_capabilities),
    cmocka_unit_test(the_root_is_empty),
    cmocka_unit_test(the_broker_becomes_users_alone),
    cmocka_unit_test(a_forbidden_call_kills_in_tests),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
