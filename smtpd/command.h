/* SPDX-License-Identifier: ISC */
/*
 * command - the table of verbs, and running one line of input.
 *
 * Each verb has a file or a place in cmd_misc.c.  A handler checks that its
 * command may come now (RFC 5321 section 4.1.4), parses its arguments, asks
 * the rules, acts, and replies, once.  What state it leaves is written at its
 * replies, and nowhere else.
 */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include "base/str.h"

#include <stdbool.h>

struct session;

/* In the order of the log's "disconnect from" line. */
enum command {
	COMMAND_HELO,
	COMMAND_EHLO,
	COMMAND_STARTTLS,
	COMMAND_AUTH,
	COMMAND_MAIL,
	COMMAND_RCPT,
	COMMAND_BDAT,
	COMMAND_DATA,
	COMMAND_RSET,
	COMMAND_NOOP,
	COMMAND_VRFY,
	COMMAND_EXPN,
	COMMAND_ETRN,
	COMMAND_HELP,
	COMMAND_QUIT,
	COMMAND_UNKNOWN,
	COMMAND_COUNT,
};

struct command_count {
	unsigned ok, all;
};

/* One line, without its end. */
void command_run(struct session *s, struct str line);

/* "ehlo=1 mail=1/2 ... commands=5/6", for the log, into `out`. */
struct buf;
void command_summary(
    const struct command_count counts[COMMAND_COUNT], struct buf *out);

/* Is the line an AUTH, or was to be one?  It may be longer than others, and is
 * not shown. */
bool command_is_auth(struct str line);

/* The line of an AUTH, in the session's scratch memory, and what was read of
 * the client within it are wiped. */
void command_wipe(struct session *s, struct str line);

/* Of what a client said ahead of its turn: up to 100 bytes, for the log, and
 * nothing from a line on that is an AUTH. */
struct str command_shown(struct str bytes);

/* Would an AUTH be heard now? */
bool command_offers_auth(const struct session *s);

/* Is DSN (RFC 3461) among what EHLO offers?  If not, it was refused. */
bool command_takes_dsn(struct session *s);

/* The handlers; `args` is what stands behind the verb, without blanks around.
 */
void cmd_helo(struct session *s, struct str args);
void cmd_ehlo(struct session *s, struct str args);
void cmd_mail(struct session *s, struct str args);
void cmd_rcpt(struct session *s, struct str args);
void cmd_data(struct session *s, struct str args);
void cmd_rset(struct session *s, struct str args);
void cmd_noop(struct session *s, struct str args);
void cmd_quit(struct session *s, struct str args);
void cmd_vrfy(struct session *s, struct str args);
void cmd_help(struct session *s, struct str args);
void cmd_starttls(struct session *s, struct str args);
void cmd_auth(struct session *s, struct str args);
void cmd_absent(struct session *s, struct str args); /* known, not offered */

#endif
