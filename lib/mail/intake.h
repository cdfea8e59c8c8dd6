/* SPDX-License-Identifier: ISC */
/*
 * intake - what happens to a message between a taker's hands and the queue:
 * header repair, address rewriting, expansion, loop counting, hand-over.
 * The one implementation for smtpd, pickup and bounce (what other suites do
 * in a separate cleanup service); local uses its rewriting and expansion of
 * addresses (mail/expansion.h) for what it forwards.
 *
 * A transaction:
 *
 *	struct intake *t = intake_begin(taker, &origin);
 *	intake_id(t);                      the queue id, from the start
 *	intake_sender(t, addr); intake_recipient(t, ...)
 *	intake_line(t, line)...            content, a line at a time, no LF
 *	r = intake_commit(t, &why);        waits for the disk
 *	intake_end(&t);
 *
 * or, where a message was taken whole, intake_bytes() (LF-ended lines).
 */
#ifndef MAIL_INTAKE_H
#define MAIL_INTAKE_H

#include "base/serve.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/conf.h"
#include "mail/envelope.h"
#include "mail/route.h"

#include <stdbool.h>

/* A program's standing connection to qmgr, with its generation of ids. */
struct taker;

struct taker *taker_new(struct serve *sv, const struct conf *c,
    struct router *r, const struct dict_env *env, struct buf *why);
void taker_free(struct taker **t);

/* Would a message of `size` bytes be taken now (qmgr's last word, no
 * question asked)?  false: *ret_why as for intake_commit. */
bool taker_has_room(const struct taker *t, uint64_t size,
    struct str *ret_dsn, struct str *ret_text);

/* How a message came: for its Received line and its repairs. */
struct intake_origin {
	struct str client;    /* "name[address]" as logged */
	struct str client_name; /* "unknown" when it has none */
	struct str client_addr;
	struct str helo;
	struct str proto;     /* SMTP, ESMTP ...; empty: local (by uid) */
	struct str login;
	uint64_t uid;         /* for local mail: "(Postfix, from userid N)" */
	bool is_local_header; /* rewrite and complete headers
	                         (local_header_rewrite_clients) */
	bool is_bounce;
	bool extract_recipients; /* -t: To, Cc, Bcc; Bcc is removed */
	bool skip_expansion;  /* no virtual alias expansion */
	struct str full_name; /* sendmail -F */
	struct str envid;
	uint64_t ret;
	bool body_8bit, utf8;
};

enum intake_result {
	INTAKE_QUEUED,
	INTAKE_RETRY,   /* 4xx: *ret_dsn, *ret_text say why */
	INTAKE_REFUSED, /* 5xx */
};

struct intake;

struct intake *intake_begin(struct taker *t, const struct intake_origin *o);
void intake_end(struct intake **t); /* drops what was not committed */
struct str intake_id(const struct intake *t);

void intake_sender(struct intake *t, struct addr sender);
/* 0; -E2BIG beyond the limit. */
int intake_recipient(struct intake *t, const struct recipient *r);
size_t intake_recipients(const struct intake *t);

/* 0; -EMSGSIZE (message_size_limit, or header limits), -ENOSPC.  After an
 * error the rest may be given and is ignored; commit refuses. */
int intake_line(struct intake *t, struct str line);
int intake_bytes(struct intake *t, struct str bytes);

/* For a child message (bounce, forward): the parent's recipients `indexes`
 * are done in the same record that makes this one. */
void intake_parent(struct intake *t, struct str parent_id,
    const uint64_t *indexes, size_t n);

/* Waits until qmgr has it on stable storage. */
enum intake_result intake_commit(struct intake *t, struct str *ret_dsn,
    struct str *ret_text);

#endif
