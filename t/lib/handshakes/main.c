/* SPDX-License-Identifier: ISC */
/*
 * handshakes - TLS from the first byte with a server on 127.0.0.1, over and
 * over, by a client that is as light as can be (shake.h).
 *
 *	handshakes PORT full|resumed 1.2|1.3 PROCESSES SECONDS
 *
 * Each process has one connection at a time, which it closes when its part of
 * the handshake is done.  "resumed": each process has a first, full one, for
 * a ticket that it comes again with.  Prints how many there were, and in how
 * many seconds.
 */
#include "shake.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	int port;
	bool is_13, is_resumed;
	int64_t end; /* shake_now() */
};

static void
shake(const struct run *r, struct crypto *crypto, struct ticket *ticket)
{
	static struct conn conn;
	bool wants = r->is_resumed && ticket->n == 0;

	conn_open(&conn, crypto, r->is_13, r->port);
	(r->is_13 ? shake_13 : shake_12)(&conn, ticket, wants);
	conn_close(&conn);
	if (wants && ticket->n == 0)
		die("the server gives no ticket");
}

static long
shake_on(const struct run *r)
{
	struct crypto crypto;
	struct ticket ticket = {0};
	long made = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	crypto_init(&crypto);
	if (r->is_resumed)
		shake(r, &crypto, &ticket);
	while (shake_now() < r->end) {
		shake(r, &crypto, &ticket);
		made++;
	}
	return made;
}

static void
start(const struct run *r, int to)
{
	pid_t child = fork();
	long made;

	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child > 0)
		return;
	made = shake_on(r);
	if (write(to, &made, sizeof(made)) != sizeof(made))
		die("write: %s", strerror(errno));
	_exit(0);
}

/* What all of them made; a process that failed has said why. */
static long
gather(int processes, int from)
{
	long sum = 0;

	for (int i = 0; i < processes; i++) {
		int status;
		long made;

		if (wait(&status) < 0 || status != 0)
			exit(1);
		if (read(from, &made, sizeof(made)) != sizeof(made))
			die("read: %s", strerror(errno));
		sum += made;
	}
	return sum;
}

static int
number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != '\0' || n < 1 || n > max)
		die("%s is no number from 1 to %ld", text, max);
	return (int)n;
}

int
main(int argc, char **argv)
{
	struct run r;
	int processes, ends[2];
	int64_t begin = shake_now();
	long made;

	if (argc != 6)
		die("PORT full|resumed 1.2|1.3 PROCESSES SECONDS");
	r.port = number(argv[1], 65535);
	r.is_resumed = strcmp(argv[2], "resumed") == 0;
	r.is_13 = strcmp(argv[3], "1.3") == 0;
	r.end = begin + number(argv[5], 3600) * 1000;
	processes = number(argv[4], 1000);
	if (pipe(ends) < 0)
		die("pipe: %s", strerror(errno));
	for (int i = 0; i < processes; i++)
		start(&r, ends[1]);
	made = gather(processes, ends[0]);
	printf("%ld handshakes in %.3f s\n", made,
	    (double)(shake_now() - begin) / 1000);
	return 0;
}
