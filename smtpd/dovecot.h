/* SPDX-License-Identifier: ISC */
/*
 * dovecot - asking an authentication server whether a client is who it says:
 * one that is none of the suite (smtpd_sasl_path), or the suite's own program
 * auth.  Both speak the Dovecot authentication protocol (dovecot_line.h), so
 * that smtpd knows of no mechanism what it does.
 *
 *	smtpd                                     the server
 *	  VERSION 1 1, CPID                   ->
 *	                                      <-  VERSION, MECH ..., DONE
 *	  AUTH id mechanism service=smtp ...  ->
 *	                                      <-  CONT id challenge
 *	  CONT id response                    ->
 *	                                      <-  OK id user=alice, or FAIL id
 *	  CANCEL id                           ->  nobody waits for it any more
 *
 * One connection a process, made when it is first needed, kept, and shared by
 * all sessions; made anew when it breaks.  What cannot be asked, is silent or
 * talks nonsense is DOVECOT_RETRY and never a yes or a no.
 *
 *	struct dovecot_try t;
 *	answer = dovecot_begin(d, &ask, &t);
 *	while (answer == DOVECOT_MORE)
 *		answer = dovecot_continue(&t, ... t.text ...);
 *	...
 *	dovecot_end(&t);
 */
#ifndef SMTPD_DOVECOT_H
#define SMTPD_DOVECOT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/serve.h"
#include "base/str.h"
#include "base/task.h"
#include "dict/dict.h"
#include "dovecot_line.h"
#include "mail/conf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct dovecot;

/* By the smtpd_sasl_ parameters.  NULL with `why`. */
struct dovecot *dovecot_new(struct serve *sv, const struct conf *c,
    const struct dict_env *env, struct buf *why);
void dovecot_free(struct dovecot **d); /* when no try is left */

/*
 * What may be offered in a session that is under TLS or is not: names with
 * blanks between them, in `a`; empty: nothing.  Waits for the server's first
 * word.  As long as it never said one PLAIN and LOGIN are offered (unless
 * they are forbidden): then who tries hears that it is for now.
 */
struct str dovecot_mechanisms(struct dovecot *d, bool is_tls, struct arena *a);

struct dovecot_ask {
	struct str mechanism; /* in any case */
	bool has_initial;
	struct str initial;       /* base64, perhaps empty */
	struct str local, remote; /* addresses */
	uint16_t local_port, remote_port;
	bool is_tls;
};

enum dovecot_answer {
	DOVECOT_YES,     /* user */
	DOVECOT_NO,      /* text: why, perhaps empty */
	DOVECOT_MORE,    /* text: the challenge, base64 */
	DOVECOT_RETRY,   /* could not ask; text: why */
	DOVECOT_REFUSED, /* no, and nobody had to be asked; text: why */
};

/* One authentication under way. */
struct dovecot_try {
	struct dovecot *dovecot;
	struct str mechanism; /* as the server writes it; lies in: */
	char name[DOVECOT_MECHANISM_MAX + 1];
	struct buf text;
	struct buf user; /* of a no as well, where the server says it */

	/* For dovecot.c: */
	uint32_t id;
	bool is_open; /* among those that the server knows of */
	bool is_answered, is_lost;
	enum dovecot_answer answer;
	struct task_queue waiting;
	LIST_ENTRY(dovecot_try) next;
};

/* Wait for an answer, at most DOVECOT_PATIENCE.  What they are given is a
 * secret: it is copied nowhere, and sent. */
#define DOVECOT_PATIENCE (30 * CLOCK_SEC)

enum dovecot_answer dovecot_begin(
    struct dovecot *d, const struct dovecot_ask *ask, struct dovecot_try *t);
enum dovecot_answer dovecot_continue(
    struct dovecot_try *t, struct str response);
void dovecot_end(struct dovecot_try *t); /* whatever came of it; once */

#endif
