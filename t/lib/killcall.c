/* SPDX-License-Identifier: ISC */
/*
 * killcall - end a running process (SIGKILL) at the entry of its Nth system
 * call from now on, that call not made.  x86-64.
 *
 * usage: killcall PID N         of its own threads
 *        killcall -c PID N      of its children, those to come as well
 *        killcall -n PID N      of those to come alone
 * prints "ready" once it counts; then either "killed NAME-OF-NUMBER" and ends,
 * or, told by SIGTERM to let go, "calls COUNT".  The calls counted before, by
 * number, stand on the line after.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |    \
	    PTRACE_O_TRACEVFORK)
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define CALLS_MAX    100000

static pid_t pid;
static bool of_children;
static unsigned long calls, wanted;
static unsigned short numbers[CALLS_MAX];

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static pid_t
field_of(pid_t task, const char *name)
{
	char path[64], line[256];
	pid_t value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", task);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = atoi(line + strlen(name));
	if (f != NULL)
		fclose(f);
	return value;
}

/* All threads of a process; one that has ended meanwhile is none of ours. */
static void
seize(pid_t process)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		pid_t task = atoi(e->d_name);

		if (task <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, task, NULL, OPTIONS) == 0)
			ptrace(PTRACE_INTERRUPT, task, NULL, NULL);
		else if (task == pid)
			die("seize");
	}
	if (d != NULL)
		closedir(d);
}

static void
seize_children(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		pid_t process = atoi(e->d_name);

		if (process > 0 && field_of(process, "PPid:") == pid)
			seize(process);
	}
	if (d != NULL)
		closedir(d);
}

static void
print_calls(void)
{
	for (unsigned long i = 0; i < calls && i < CALLS_MAX; i++)
		printf("%d ", numbers[i]);
	printf("\n");
	fflush(stdout);
}

/* A call is entered: was it the one? */
static void
count(pid_t task)
{
	struct __ptrace_syscall_info info;
	pid_t process = field_of(task, "Tgid:");

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || process <= 1 ||
	    (process != pid) != of_children)
		return;
	if (calls < CALLS_MAX)
		numbers[calls] = (unsigned short)info.entry.nr;
	if (++calls != wanted)
		return;
	kill(process, SIGKILL);
	printf("killed %d\n", (int)info.entry.nr);
	print_calls();
	exit(0);
}

static void
go_on(pid_t task, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == SYSCALL_STOP) {
		count(task);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP || event != 0) {
		sig = 0;
	}
	ptrace(PTRACE_SYSCALL, task, NULL, sig);
}

int
main(int argc, char **argv)
{
	sigset_t set;
	int status;

	of_children = argc == 4 && (strcmp(argv[1], "-c") == 0 ||
				       strcmp(argv[1], "-n") == 0);
	if (argc != 3 + of_children)
		return 2;
	pid = atoi(argv[argc - 2]);
	wanted = strtoul(argv[argc - 1], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	seize(pid);
	if (of_children && argv[1][1] == 'c')
		seize_children();
	printf("ready\n");
	fflush(stdout);
	do {
		pid_t task;

		while ((task = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
			if (WIFSTOPPED(status))
				go_on(task, status);
	} while (sigwaitinfo(&set, NULL) != SIGTERM);
	printf("calls %lu\n", calls);
	print_calls();
	return 0; /* and the kernel lets them all go */
}
