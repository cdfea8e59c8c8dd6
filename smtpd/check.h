/* SPDX-License-Identifier: ISC */
/*
 * check - the rules at work: one list after the other at its stage, until
 * something refuses.
 *
 * A rule says nothing (DUNNO), ends its own list in the client's favour
 * (PERMIT), or refuses (REJECT); it may also leave a word for the end
 * (defer_if_permit: a refusal should nothing else refuse; defer_if_reject: 4
 * instead of 5).  A rule that could not ask never permits.
 *
 * With smtpd_delay_reject the lists of the client, HELO and the sender are
 * judged at each RCPT, so that the log names the recipient.
 */
#ifndef SMTPD_CHECK_H
#define SMTPD_CHECK_H

#include "rules.h"
#include "session.h"

#include <stdbool.h>

enum verdict {
	VERDICT_DUNNO,
	VERDICT_PERMIT,
	VERDICT_REJECT,
};

/* What a refusal is about: "<name>: class rejected: why". */
enum subject {
	SUBJECT_CLIENT,
	SUBJECT_REVERSE, /* the name that nobody confirmed */
	SUBJECT_HELO,
	SUBJECT_SENDER,
	SUBJECT_RECIPIENT,
	SUBJECT_DATA,
	SUBJECT_END,
	SUBJECT_LOGIN,
};

/* A word for the end: a refusal that stands by. */
struct later {
	bool is_set;
	unsigned code;
	struct str text;
};

struct check {
	struct session *s;
	struct arena *a; /* until the command's end */
	enum rules_list list;
	const struct addr *recipient; /* NULL: none in question */
	struct later if_permit, if_reject;
	unsigned depth;
	bool is_nested; /* in what a table said about ... */
	enum subject nested;
	bool is_warning; /* behind warn_if_reject */
	bool did_list_recipient, did_list_sender;
	bool is_discarded;
	unsigned code;   /* of the refusal */
	struct str text; /* "5.7.1 <x>: ...": follows the code */
};

/*
 * The stages.  True: go on.  False: the refusal was logged and is the reply
 * that the caller owes, by check_reply().
 */
bool check_client(struct check *c, struct session *s);
bool check_helo(struct check *c, struct session *s);
bool check_sender(struct check *c, struct session *s);
bool check_recipient(
    struct check *c, struct session *s, const struct addr *recipient);
bool check_data(struct check *c, struct session *s);
bool check_end(struct check *c, struct session *s);
void check_reply(struct check *c); /* to the client; 421 and 521 end it */

/*
 * For the rules.  Refuse with `code` and an enhanced code whose class digit
 * is made to fit; the text is made of the format.  Logs.  VERDICT_REJECT, or
 * VERDICT_DUNNO behind warn_if_reject.
 */
enum verdict check_refuse(struct check *c, unsigned code, const char *dsn,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same, as "<subject>: class rejected: text". */
enum verdict check_refuse_about(struct check *c, unsigned code, struct str dsn,
    enum subject about, struct str text);
/* The same; an enhanced code in front of the text ("5.7.1 no") counts. */
enum verdict check_refuse_text(struct check *c, unsigned code, struct str dsn,
    enum subject about, struct str text);

/* Leave a word for the end; the first one counts. */
void check_defer_if_permit(
    struct check *c, struct str dsn, enum subject about, struct str text);
void check_defer_if_reject(
    struct check *c, struct str dsn, enum subject about, struct str text);

/* A line "NOQUEUE: what: RCPT from client: text; from=<> ..." */
void check_log(const struct check *c, const char *what, struct str text);

struct str check_name(const struct check *c, enum subject about);
const char *check_class(enum subject about);
/* Of the list at work, or what the table was asked about that named it. */
enum subject check_subject(const struct check *c);

/* Could not ask: 451 4.3.0 "<subject>: Temporary lookup failure". */
enum verdict check_refuse_lookup(struct check *c, enum subject about);
/* 451 4.3.5 "...: Server configuration error". */
enum verdict check_refuse_config(struct check *c, enum subject about);

enum verdict check_rules(struct check *c, const struct rules *rules);

/* Rules by subject, each in the file of its name. */
enum verdict access_check(struct check *c, const struct rule *r); /* access.c */
enum verdict hosts_check(struct check *c, const struct rule *r);  /* hosts.c */
enum verdict action_do(struct check *c, const struct rule *r, struct str value,
    enum subject about);                                          /* action.c */
enum verdict names_check(struct check *c, enum restriction what); /* names.c */
enum verdict relay_check(struct check *c, enum restriction what); /* relay.c */
/* Is the recipient one that we take mail for, whoever sends it? */
enum find relay_find_ours(struct check *c);
enum verdict listed_check(
    struct check *c, const struct addr *who, enum subject about); /* listed.c */
enum verdict rbl_check(struct check *c, const struct rule *r);    /* rbl.c */
enum verdict login_check(struct check *c, enum restriction what); /* login.c */

#endif
