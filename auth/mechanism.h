/* SPDX-License-Identifier: ISC */
/*
 * mechanism - one exchange of SASL, as the server: what the client said goes
 * in, a challenge or a verdict comes out.
 *
 *	exchange_init(&x, mechanism_find(name), users, "192.0.2.1");
 *	step = exchange_step(&x, has_response, response);
 *	... STEP_CHALLENGE: send x.out, and step again with the answer;
 *	... STEP_CHECK: in a task, in its turn: verdict = exchange_check(&x,
 *users);
 *	...             an OK of SCRAM has its last word in x.out;
 *	... STEP_BAD: not of the mechanism, or refused at once
 *	exchange_done(&x);
 *
 * Bytes are decoded already.  Bounded by MECHANISM_INPUT_MAX.
 */
#ifndef AUTH_MECHANISM_H
#define AUTH_MECHANISM_H

#include "check.h"
#include "users.h"

#include "base/buf.h"
#include "mail/password.h"

#define MECHANISM_INPUT_MAX SCRAM_MESSAGE_MAX

#define MECHANISMS 4

enum step {
	STEP_CHALLENGE,
	STEP_CHECK,
	STEP_BAD,
	STEP_RETRY, /* could not ask */
};

struct exchange;

struct mechanism {
	const char *name;
	const char *flags; /* of its MECH line */
	bool is_scram;
	enum hmac_hash hash; /* SCRAM's */
	/* `has` is false when there was no initial response. */
	enum step (*step)(struct exchange *x, bool has, struct str in);
	enum verdict (*check)(struct exchange *x);
};

struct exchange {
	const struct mechanism *mechanism;
	struct users *users;
	const char *address; /* the client's, or "" */
	unsigned steps;      /* done */
	struct buf name;     /* who he says he is: secrets_fold() */
	struct buf password; /* secret */
	struct buf out;
	struct scram_exchange *scram;
};

/* In the order in which they are offered; NULL after the last. */
const struct mechanism *mechanism_at(size_t i);
const struct mechanism *mechanism_find(struct str name); /* NULL: none */

void exchange_init(struct exchange *x, const struct mechanism *m,
    struct users *users, const char *address);
void exchange_done(struct exchange *x);
enum step exchange_step(struct exchange *x, bool has, struct str in);
/* Waits.  SECURITY: by the users of now, since somebody may have been taken
 * out of them while he was asked. */
enum verdict exchange_check(struct exchange *x, struct users *now);

/* For mechanisms: is it a name that anybody can have?  Kept if so. */
bool exchange_name(struct exchange *x, struct str name);

/* ---- plain.c, login.c, scram.c ---- */

enum step plain_step(struct exchange *x, bool has, struct str in);
enum step login_step(struct exchange *x, bool has, struct str in);
enum step scram_step(struct exchange *x, bool has, struct str in);
enum verdict scram_check(struct exchange *x);
void scram_exchange_free(struct scram_exchange **s);

#endif
