/* SPDX-License-Identifier: ISC */
/*
 * inject - make a running process try what it must not: system calls put
 * into it from outside (ptrace), so that it is the process itself, behind
 * its own walls, that tries.  x86-64.
 *
 * usage: inject PID FILE-OF-THE-QUEUE SOCKET OTHER-PID PROGRAM
 * prints a line for each attempt: "NAME RESULT", RESULT 0 or more when it was
 * allowed, -errno when it was refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pid;
static struct user_regs_struct saved;
static unsigned long syscall_at; /* a syscall instruction in the process */
static unsigned long scratch;    /* memory of it that we may write */

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static void
find_syscall(void)
{
	char path[64], line[512];
	unsigned char page[4096];
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY);
	if (maps == NULL || mem < 0)
		die("maps");
	while (syscall_at == 0 && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char perms[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    strcmp(perms, "r-xp") != 0)
			continue;
		for (; from < to && syscall_at == 0; from += sizeof(page)) {
			if (pread(mem, page, sizeof(page), (off_t)from) < 2)
				break;
			for (size_t i = 0; i + 1 < sizeof(page); i++)
				if (page[i] == 0x0f && page[i + 1] == 0x05) {
					syscall_at = from + i;
					break;
				}
		}
	}
	fclose(maps);
	close(mem);
	if (syscall_at == 0)
		die("no syscall instruction");
}

static unsigned long
put(const void *bytes, size_t n, size_t at)
{
	struct iovec from = {(void *)(unsigned long)bytes, n};
	struct iovec to = {(void *)(scratch + at), n};

	if (process_vm_writev(pid, &from, 1, &to, 1, 0) != (ssize_t)n)
		die("write into the process");
	return scratch + at;
}

static unsigned long
put_text(const char *s)
{
	return put(s, strlen(s) + 1, 0);
}

static long
call(long number, unsigned long a, unsigned long b, unsigned long c,
    unsigned long d)
{
	struct user_regs_struct r = saved;
	int status;

	r.rip = syscall_at;
	r.rax = (unsigned long)number;
	r.orig_rax = (unsigned long)-1;
	r.rdi = a;
	r.rsi = b;
	r.rdx = c;
	r.r10 = d;
	r.r8 = r.r9 = 0;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
		die("step");
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
		printf("ended-by-%ld 0\n", number);
		exit(1);
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		die("registers");
	return (long)r.rax;
}

static void
tell(const char *name, long r)
{
	printf("%s %ld\n", name, r);
}

static void
try_open(const char *name, const char *path, int flags)
{
	long fd = call(SYS_openat, (unsigned long)AT_FDCWD, put_text(path),
	    (unsigned long)flags, 0600);

	tell(name, fd);
	if (fd >= 0)
		call(SYS_close, (unsigned long)fd, 0, 0, 0);
}

static void
try_socket(const char *name, int family, int type, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	long fd =
	    call(SYS_socket, (unsigned long)family, (unsigned long)type, 0, 0);

	if (fd < 0 || path == NULL) {
		tell(name, fd);
	} else {
		snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
		tell(name, call(SYS_connect, (unsigned long)fd,
			       put(&to, sizeof(to), 512), sizeof(to), 0));
	}
	if (fd >= 0)
		call(SYS_close, (unsigned long)fd, 0, 0, 0);
}

static void
try_all(
    const char *queue_file, const char *sock, pid_t other, const char *program)
{
	unsigned long argv[1] = {0};

	try_open("open-passwd", "/etc/passwd", O_RDONLY);
	try_open("open-shadow", "/etc/shadow", O_RDONLY);
	try_open("create-tmp", "/tmp/valija-sandbox-probe", O_WRONLY | O_CREAT);
	try_open("create-etc", "/etc/valija-sandbox-probe", O_WRONLY | O_CREAT);
	try_open("open-queue", queue_file, O_RDWR);
	try_socket("socket-inet", AF_INET, SOCK_STREAM, NULL);
	try_socket("socket-netlink", AF_NETLINK, SOCK_RAW, NULL);
	try_socket("connect-unix", AF_UNIX, SOCK_SEQPACKET, sock);
	tell("exec",
	    call(SYS_execve, put_text(program), put(argv, sizeof(argv), 256),
		put(argv, sizeof(argv), 256), 0));
	tell("setuid-root", call(SYS_setresuid, 0, 0, 0, 0));
	tell("setgid-root", call(SYS_setresgid, 0, 0, 0, 0));
	tell("chroot", call(SYS_chroot, put_text("/"), 0, 0, 0));
	tell("ptrace",
	    call(SYS_ptrace, PTRACE_ATTACH, (unsigned long)other, 0, 0));
	tell("kill-other", call(SYS_kill, (unsigned long)other, 0, 0, 0));
	tell("mount", call(SYS_mount, put_text("none"), put_text("/"), 0, 0));
	tell("user-namespace", call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0));
	tell("bpf", call(SYS_bpf, 0, 0, 0, 0));
	tell("mmap-exec", call(SYS_mprotect, scratch & ~4095UL, 4096, 7, 0));
}

int
main(int argc, char **argv)
{
	int status;

	if (argc != 6)
		return 2;
	pid = atoi(argv[1]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		die("attach");
	waitpid(pid, &status, 0);
	find_syscall();
	if (ptrace(PTRACE_GETREGS, pid, NULL, &saved) < 0)
		die("registers");
	scratch = (saved.rsp - 4096) & ~15UL;
	try_all(argv[2], argv[3], atoi(argv[4]), argv[5]);
	ptrace(PTRACE_SETREGS, pid, NULL, &saved);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}
