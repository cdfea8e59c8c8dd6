/* SPDX-License-Identifier: ISC */
/* sendmail - what its files share: one call of sendmail(1). */
#ifndef TOOLS_SENDMAIL_H
#define TOOLS_SENDMAIL_H

#include "base/arena.h"
#include "base/buf.h"
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
	struct str flush_site;   /* -qR */
	const char *aliases;     /* -oA */
	struct submit_message message;
	struct recipient *recipients;
	size_t nrecipients;
	char **arguments; /* recipients as they were typed */
	int narguments;
	struct arena arena;
	struct conf *conf;
};

/* Standard input: what one reader did not take is there for the next. */
struct sendmail_input {
	int fd;
	struct str ahead; /* in the block */
	char block[64 * 1024];
};

/* What ends a message. */
enum sendmail_end {
	SENDMAIL_END_FILE, /* -i: a lone dot is text */
	SENDMAIL_END_DOT,  /* the file's end, or a lone dot */
	SENDMAIL_END_SMTP, /* a lone dot; other leading dots are doubled */
};

/* Each ends the process when it cannot go on: a line on stderr, an exit code
 * of sysexits.h. */
void sendmail_fatal(int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Reads all options. */
void sendmail_options(struct sendmail *s, int argc, char **argv);

/* The sender and recipients that were typed, as addresses. */
void sendmail_envelope(struct sendmail *s);
void sendmail_add_recipient(struct sendmail *s, struct str address);

/*
 * The message on standard input.  0; -EMSGSIZE: too large, read to its end
 * all the same; -ENODATA: cut short (SMTP alone); or -errno.
 */
int sendmail_read(const struct conf *conf, struct sendmail_input *in,
    enum sendmail_end end, struct content **ret);

/* The next line, without its LF.  0; -EMSGSIZE: more than `ret` may hold,
 * skipped; -ENODATA: the end; or -errno. */
int sendmail_read_line(struct sendmail_input *in, struct buf *ret);

/*
 * Hands s->message to pickup, or leaves it in maildrop/: there it has no id
 * yet.  What is to be said of it, in s->arena.
 */
struct submit_done sendmail_send(struct sendmail *s, struct content *c);

/* -bs: SMTP on standard input and output. */
void sendmail_smtp(struct sendmail *s);
/* -bv: where the recipients would go, on standard output; an exit code. */
int sendmail_verify(struct sendmail *s);

/* Becomes another tool of the suite. */
void sendmail_exec(const struct sendmail *s, const char *tool, char **argv)
    __attribute__((noreturn));

#endif
