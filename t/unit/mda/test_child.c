/* SPDX-License-Identifier: ISC */
/*
 * What a child is, and what it cannot do: each role tries, in a child that
 * became it, what it must not.  Who it is, the kernel says (/proc).
 */
#include "children.h"

#include "child.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAIL_GID 4800

/* The sanitizers' own code opens files, and so may all of the process. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* Shared with the child: the line of the first check that failed. */
static volatile int *failed_at;

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what) && *failed_at == 0)                                \
			*failed_at = __LINE__;                                 \
	} while (0)
#define CHECK_REFUSED(call)                                                    \
	do {                                                                   \
		errno = 0;                                                     \
		CHECK((call) < 0 && (errno == EPERM || errno == EACCES));      \
	} while (0)

static int root_fd;
static int begins_at; /* what priority; 0: ours */

/* ---- what every child is ---- */

static void
try_to_return(void)
{
	CHECK(setuid(0) < 0);
	CHECK(seteuid(0) < 0);
	CHECK(setgid(0) < 0);
	CHECK(setresuid(child_uid + 1, child_uid + 1, child_uid + 1) < 0);
	CHECK(getuid() == child_uid && geteuid() == child_uid);
	CHECK(getgid() == child_gid && getegid() == child_gid);
}

/* The conversation, that with the flusher of one that delivers, the root, and
 * the event loop's two at most. */
static void
look_around(void)
{
	int n = 0;

	for (int fd = 3; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	CHECK(n <= (fcntl(4, F_GETFD) >= 0 ? 4 : 3));
	CHECK(fcntl(3, F_GETFD) == FD_CLOEXEC);
	CHECK(environ == NULL || environ[0] == NULL);
}

/* ---- what those that are shut in cannot do ---- */

static void
try_files(void)
{
	struct stat st;
	int fd = openat(root_fd, "mine", O_WRONLY | O_CREAT, 0666);

	CHECK(fd >= 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(st.st_uid == child_uid);
	close(fd);
	CHECK(mkdirat(root_fd, "sub", 0700) == 0);
	CHECK(renameat(root_fd, "mine", root_fd, "sub/mine") == 0);
	CHECK_REFUSED(open("/etc/passwd", O_RDONLY));
	CHECK_REFUSED(open("/etc/passwd", O_WRONLY));
	CHECK_REFUSED(open("/tmp/valija-not-mine", O_WRONLY | O_CREAT, 0600));
	CHECK_REFUSED(open("/proc/self/mem", O_RDWR));
	CHECK_REFUSED(open("/", O_RDONLY | O_DIRECTORY));
	CHECK_REFUSED(openat(root_fd, "../x", O_WRONLY | O_CREAT, 0600));
	CHECK_REFUSED(openat(root_fd, "out", O_RDONLY));
	CHECK_REFUSED(truncate("/tmp/valija-anyones", 0));
	CHECK_REFUSED(mknod("/tmp/valija-node", S_IFIFO | 0600, 0));
	CHECK_REFUSED(chown("/tmp", child_uid, child_gid));
}

static void
try_network(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(25)};

	CHECK_REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
	CHECK_REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	CHECK_REFUSED(connect(3, (struct sockaddr *)&in, sizeof(in)));
	CHECK_REFUSED(bind(3, (struct sockaddr *)&in, sizeof(in)));
}

static void
try_processes(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	CHECK_REFUSED(execve("/bin/true", argv, argv + 1));
	CHECK_REFUSED(fork());
	CHECK_REFUSED(kill(getppid(), 0));
	CHECK_REFUSED(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
	CHECK_REFUSED(syscall(SYS_unshare, 0));
	CHECK_REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void
try_shut_in(void)
{
	look_around();
	try_to_return();
	try_files();
	try_network();
	try_processes();
}

/* A command may do what the user may. */
static void
try_command(void)
{
	struct stat st;

	look_around();
	try_to_return();
	CHECK(stat("/etc/passwd", &st) == 0);
	CHECK(open("/etc/passwd", O_RDONLY) >= 0);
	if (child_uid != 0)
		CHECK_REFUSED(open("/etc/passwd", O_WRONLY));
	CHECK(getsid(0) == getpid());
}

/* ---- running it ---- */

/* The child's lines of /proc/PID/status, as "Name:value\n" each. */
static void
read_status(pid_t pid, struct buf *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	buf_init(ret, 1 << 16);
	FILE *f = fopen(path, "re");
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		for (char *p = line; *p != '\0'; p++)
			if (*p != '\t' && *p != ' ')
				buf_add_char(ret, *p);
	fclose(f);
}

/* A priority that is lower, and no right to go back. */
static void
begin_at(int priority)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	if (priority == 0)
		return;
	CHECK(setpriority(PRIO_PROCESS, 0, priority) == 0);
	CHECK(syscall(SYS_capget, &head, caps) == 0);
	caps[0].effective &= ~(1u << CAP_SYS_NICE);
	CHECK(syscall(SYS_capset, &head, caps) == 0);
}

static void
be_child(const struct child *c, void (*try)(void))
{
	const char *step;
	char go;
	int r;

	begin_at(begins_at);
	r = child_become(c, &root_fd, &step);
	if (r < 0) {
		fprintf(stderr, "# %s: %s\n", step, strerror(-r));
		*failed_at = __LINE__;
		_exit(1);
	}
	try();
	(void)!write(3, "x", 1); /* for the parent to look at us ... */
	(void)!read(3, &go, 1);  /* ... until it has */
	_exit(0);
}

static void
run_child(enum spawn_role role, void (*try)(void), struct buf *ret_status)
{
	struct spawn_group extra[] = {{0}, {4713}};
	struct spawn_ask ask = make_ask(role);
	struct child c = {.settings = &settings,
	    .ask = &ask,
	    .is_root_suite = geteuid() == 0};
	int ends[2];
	char ready;
	pid_t pid;

	ask.groups = (struct rows){extra, 2};
	ask.mail_gid = MAIL_GID;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	c.fd = ends[1];
	c.flusher_fd = role == SPAWN_DELIVER ? dup(ends[1]) : -1;
	*failed_at = 0;
	pid = fork();
	if (pid == 0)
		be_child(&c, try);
	close(ends[1]);
	if (c.flusher_fd >= 0)
		close(c.flusher_fd);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	read_status(pid, ret_status);
	if (begins_at > 0)
		assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), 19);
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(*failed_at, 0);
}

static void
assert_status(const struct buf *status, const char *line)
{
	if (strstr(status->p, line) == NULL)
		fail_msg("no %s in:\n%s", line, status->p);
}

static void
assert_powerless(const struct buf *status)
{
	assert_status(status, "CapPrm:0000000000000000\n");
	assert_status(status, "CapEff:0000000000000000\n");
	assert_status(status, "CapInh:0000000000000000\n");
	assert_status(status, "CapAmb:0000000000000000\n");
	if (geteuid() == 0)
		assert_status(status, "Uid:4711471147114711\n");
	if (geteuid() == 0)
		assert_status(status, "Gid:4712471247124712\n");
}

static void
try_role(enum spawn_role role)
{
	BUF_CLEANUP struct buf status = {0};

	assert_int_equal(symlinkat("/etc/passwd", scratch_fd, "out"), 0);
	if (IS_SANITIZED)
		return; /* its filter is another one */
	run_child(role, try_shut_in, &status);
	assert_powerless(&status);
	assert_status(&status, "NoNewPrivs:1\n");
	assert_status(&status, "Seccomp:2\n");
	/* The group of root is never taken; that of mailboxes only to write
	 * them. */
	if (geteuid() == 0)
		assert_status(&status, role == SPAWN_DELIVER
					   ? "Groups:47134800\n"
					   : "Groups:4713\n");
}

static void
test_deliver(void **state)
{
	(void)state;
	try_role(SPAWN_DELIVER);
}

/* All of the suite stands behind others already. */
static void
test_deliver_behind(void **state)
{
	(void)state;
	begins_at = 15;
	try_role(SPAWN_DELIVER);
	begins_at = 0;
}

static void
test_reader(void **state)
{
	(void)state;
	try_role(SPAWN_READER);
}

static void
test_command(void **state)
{
	BUF_CLEANUP struct buf status = {0};

	(void)state;
	run_child(SPAWN_COMMAND, try_command, &status);
	assert_powerless(&status);
	assert_status(&status, "NoNewPrivs:0\n");
	if (geteuid() == 0)
		assert_status(&status, "Groups:4713\n");
}

#define CHILD_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, start_broker, stop_broker)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CHILD_TEST(test_deliver),
	    CHILD_TEST(test_deliver_behind),
	    CHILD_TEST(test_reader),
	    CHILD_TEST(test_command),
	};

	failed_at = mmap(NULL, sizeof(*failed_at), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
