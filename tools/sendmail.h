/* SPDX-License-Identifier: ISC */
/* sendmail - what its files share: one call of sendmail(1). */
#ifndef TOOLS_SENDMAIL_H
#define TOOLS_SENDMAIL_H

#include "base/arena.h"
#include "mail/conf.h"
#include "mail/content.h"
#include "mail/proto/submit.h"

#include <stdbool.h>
#include <stddef.h>

enum sendmail_mode {
	SENDMAIL_MAIL,    /* -bm */
	SENDMAIL_QUEUE,   /* -bp, mailq */
	SENDMAIL_ALIASES, /* -bi, -I, newaliases */
	SENDMAIL_START,   /* -bd, -bl */
	SENDMAIL_FLUSH,   /* -q */
	SENDMAIL_NOTHING, /* -bh, -bH */
	SENDMAIL_SMTP,    /* -bs */
	SENDMAIL_VERIFY,  /* -bv */
};

#define SENDMAIL_RCPT_MAX 50000

struct sendmail {
	enum sendmail_mode mode;
	const char *conf_dir;
	const char *program_dir; /* where its kin are */
	bool dot_is_text;        /* -i */
	struct str flush_id;     /* -qI */
	const char *aliases;     /* -oA */
	struct submit_message message;
	struct recipient *recipients;
	size_t nrecipients;
	char **arguments; /* recipients as they were typed */
	int narguments;
	struct arena arena;
	struct conf *conf;
};

/* Each ends the process when it cannot go on: a line on stderr, an exit code
 * of sysexits.h. */
void sendmail_fatal(int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Reads all options. */
void sendmail_options(struct sendmail *s, int argc, char **argv);

/* The sender and recipients that were typed, as addresses. */
void sendmail_envelope(struct sendmail *s);

/* The message on standard input. */
struct content *sendmail_read(const struct sendmail *s, int fd);

/* Hands it to pickup, or leaves it in maildrop/. */
void sendmail_send(struct sendmail *s, struct content *c);

/* Becomes another tool of the suite. */
void sendmail_exec(const struct sendmail *s, const char *tool, char **argv)
    __attribute__((noreturn));

#endif
