/* SPDX-License-Identifier: ISC */
/*
 * checkpassword - the checkpassword interface of Dovecot (passdb), for the
 * users of auth(8): name and password come on descriptor 3, each ended by a
 * NUL; when auth says yes the program that stands behind the socket is run.
 *
 *	checkpassword SOCKET program [argument ...]
 *
 * Exit codes are the interface's: 1 no, 2 wrongly called, 111 try later.
 *
 * SECURITY: the password goes to auth and nowhere else, and is wiped.
 */
#include "mail/base64.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EXIT_NO = 1,
	EXIT_USAGE = 2,
	EXIT_LATER = 111,
};

#define INPUT_FD  3
#define INPUT_MAX 512  /* of the interface */
#define LINE_MAX  8192 /* of a server of the protocol */
#define TIME      60   /* seconds that auth has for a word */

static int
dial(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval time = {.tv_sec = TIME};
	int fd;

	if (strlcpy(a.sun_path, path, sizeof(a.sun_path)) >= sizeof(a.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	return fd;
}

/* What auth says, a line at a time; false: it said no more. */
static bool
read_line(FILE *in, char line[LINE_MAX])
{
	size_t n;

	if (fgets(line, LINE_MAX, in) == NULL)
		return false;
	n = strcspn(line, "\n");
	if (line[n] == '\0')
		return false; /* too long, or cut */
	line[n] = '\0';
	return true;
}

/* "name\0password\0..." as PLAIN has it: "\0name\0password", in base64. */
static int
make_response(struct buf *out)
{
	BUF_CLEANUP struct buf plain = {0};
	char in[INPUT_MAX];
	size_t have = 0, user, password;
	ssize_t n;
	int r = -EINVAL;

	while (have < sizeof(in)) {
		n = read(INPUT_FD, in + have, sizeof(in) - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	buf_init(&plain, sizeof(in) + 1);
	user = strnlen(in, have);
	password = user < have ? strnlen(in + user + 1, have - user - 1) : 0;
	/* Both are ended within what came. */
	if (user > 0 && user + 1 + password < have &&
	    buf_room(&plain, user + password + 2) != NULL) {
		buf_add_char(&plain, '\0');
		buf_add(&plain, in, user + 1 + password);
		r = base64_encode(buf_str(&plain), out);
	}
	explicit_bzero(in, sizeof(in));
	if (plain.cap > 0)
		explicit_bzero(plain.p, plain.cap);
	return r;
}

/* " name=value" from Dovecot's environment, if it is a plain word. */
static void
add_word(struct buf *out, const char *name, const char *variable)
{
	const char *value = getenv(variable);

	if (value == NULL || value[0] == '\0')
		return;
	for (const char *p = value; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(".:-", *p) == NULL)
			return;
	buf_addf(out, "\t%s=%s", name, value);
}

static int
send_request(int fd)
{
	BUF_CLEANUP struct buf request = {0}, response = {0};
	int r;

	buf_init(&request, LINE_MAX);
	buf_init(&response, 2 * INPUT_MAX);
	if (make_response(&response) < 0)
		return EXIT_USAGE;
	(void)buf_room(&request, LINE_MAX / 2); /* it grows no more */
	buf_addf(
	    &request, "VERSION\t1\t1\nCPID\t%d\nAUTH\t1\tPLAIN", (int)getpid());
	add_word(
	    &request, "service", getenv("PROTO") != NULL ? "PROTO" : "SERVICE");
	add_word(&request, "lip", "TCPLOCALIP");
	add_word(&request, "rip", "TCPREMOTEIP");
	/* What reaches it has come under TLS, or by Dovecot's own rule. */
	buf_addf(&request, "\tsecured\tresp=%s\n", response.p);
	r = !request.full &&
	            write(fd, request.p, request.len) == (ssize_t)request.len
	        ? 0
	        : EXIT_LATER;
	explicit_bzero(request.p, request.cap);
	explicit_bzero(response.p, response.cap);
	return r;
}

/* The user's name as auth has it. */
static void
take_user(char *words)
{
	char *word;

	while ((word = strsep(&words, "\t")) != NULL)
		if (strncmp(word, "user=", 5) == 0)
			setenv("USER", word + 5, 1);
}

/* 0: yes.  Whatever is neither yes nor no is no answer. */
static int
read_answer(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[LINE_MAX], *words;

	while (in != NULL && read_line(in, line)) {
		if (strncmp(line, "OK\t1", 4) == 0) {
			take_user(line + 4);
			return 0;
		}
		if (strncmp(line, "FAIL\t1", 6) != 0)
			continue;
		words = line + 6;
		while (*words == '\t') {
			size_t n = strcspn(++words, "\t");

			if ((n == 4 && memcmp(words, "temp", n) == 0) ||
			    (n == 14 &&
				memcmp(words, "code=temp_fail", n) == 0))
				return EXIT_LATER;
			words += n;
		}
		return EXIT_NO;
	}
	return EXIT_LATER;
}

int
main(int argc, char **argv)
{
	int fd, r;

	if (argc < 3)
		return EXIT_USAGE;
	fd = dial(argv[1]);
	if (fd < 0)
		return EXIT_LATER;
	r = send_request(fd);
	if (r == 0)
		r = read_answer(fd);
	if (r != 0)
		return r;
	execv(argv[2], argv + 2);
	return EXIT_LATER;
}
