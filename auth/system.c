/* SPDX-License-Identifier: ISC */
/* system - one question to pam (proto/pam.h). */
#include "system.h"

#include "base/log.h"
#include "base/task.h"
#include "mail/proto/pam.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct serve *server; /* NULL: pam is not asked */

void
system_use(struct serve *sv)
{
	server = sv;
}

bool
system_is_used(void)
{
	return server != NULL;
}

/* The byte, or -errno. */
static int
ask(int fd, struct str question, int64_t deadline)
{
	struct io io;
	uint8_t byte;
	ssize_t n;
	int r = io_init(&io, fd);

	if (r < 0) {
		close(fd);
		return r;
	}
	n = io_write_all(&io, question.p, question.len, deadline);
	if (n == 0)
		n = io_read(&io, &byte, 1, deadline);
	io_done(&io);
	return n == 1 ? byte : n == 0 ? -EPIPE : (int)n;
}

enum verdict
system_check(struct str name, struct str password, struct str address)
{
	int64_t deadline = clock_after(PAM_DEADLINE);
	BUF_CLEANUP struct buf b = {0};
	int r;

	buf_init_secret(&b, PAM_QUESTION_MAX);
	buf_add_str(&b, name);
	buf_add_char(&b, '\0');
	buf_add_str(&b, password);
	buf_add_char(&b, '\0');
	buf_add_str(&b, address);
	buf_add_char(&b, '\0');
	r = serve_link(server, "pam", deadline);
	if (r >= 0)
		r = ask(r, buf_str(&b), deadline);
	if (r < 0)
		log_warning("pam cannot be asked: %s", strerror(-r));
	return r == PAM_RIGHT   ? VERDICT_OK
	       : r == PAM_WRONG ? VERDICT_WRONG
	                        : VERDICT_RETRY;
}
