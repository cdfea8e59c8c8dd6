/* SPDX-License-Identifier: ISC */
/*
 * desk - the surroundings of smtpd in one process: a configuration, and
 * qmgr, dns, lookup and memo as far as smtpd can see them.  Everything of smtpd
 * and of the libraries is real but for the skeleton of programs (serve).
 *
 * Runs in tasks: desk_run() starts the loop and returns when `fn` has; a
 * desk that it left open is there again at the next one.
 */
#ifndef T_SMTPD_DESK_H
#define T_SMTPD_DESK_H

#include "base/buf.h"
#include "base/str.h"
#include "server.h"

#include <stdbool.h>
#include <stddef.h>

void desk_run(void (*fn)(void *), void *arg);

/* A server with this main.cf; before it, what it may ask. */
void desk_open(const char *main_cf);
void desk_wait(void);  /* until all sessions have ended */
void desk_close(void); /* waits too */
struct server *desk_server(void);

/* A client from `address`: its end of the connection. */
int desk_connect(struct str address);
size_t desk_sessions(void);

/* "a.test A 192.0.2.1", "a.test MX b.test", "a.test RETRY" ... */
void desk_dns(struct str record);
/* "192.0.2.1 a.test", as /etc/hosts. */
void desk_host(struct str line);
/* "/path line": one more line of a file that a table is read from. */
void desk_file(struct str line);

/* What qmgr says to the next message, until it is told otherwise; borrowed. */
void desk_queue(uint64_t verdict, struct str dsn, struct str text);
void desk_room(uint64_t room, struct str dsn, struct str text);

/* memo cannot be asked from now on, or can. */
void desk_memo_down(bool is_down);

/* How the policy service answers from now on; borrowed: "down" (nobody
 * listens), "hangup", "silent", "raw BYTES", else the action.  And what it was
 * asked last, and how many connections it took. */
void desk_policy(struct str how);
struct str desk_policy_request(void);
unsigned desk_policy_lines(void);

struct desk_message {
	struct buf envelope; /* "sender -> rcpt rcpt" */
	struct buf content;
};
size_t desk_messages(void);
const struct desk_message *desk_message(size_t i);
void desk_forget(void); /* the messages and the log so far */

/* All that was logged, a line each, "body\n". */
struct str desk_log(void);

#endif
