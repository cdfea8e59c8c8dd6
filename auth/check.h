/* SPDX-License-Identifier: ISC */
/*
 * check - is this the password of this user?
 *
 * SECURITY: a wrong password, a user who is not there and one who is locked
 * cost the same: as many slow hashes as the costliest user has (users_cost),
 * a dummy in place of those that he has not.  Only a right password may end
 * it sooner.  Application passwords have no slow hash: they are random.  For
 * a password that is another one when prepared (mail/saslprep.h) it is all
 * done twice, whoever is named.
 */
#ifndef AUTH_CHECK_H
#define AUTH_CHECK_H

#include "users.h"

#include "base/str.h"

enum verdict {
	VERDICT_OK,
	VERDICT_WRONG,
	VERDICT_NO_USER, /* for the log; a client sees no difference */
	VERDICT_RETRY,   /* could not ask */
};

#define CHECK_NAME_MAX SECRETS_USER_MAX

/* What was done, for whoever tests that it is the same. */
struct check_work {
	size_t slow; /* hashes */
};

/* The computation itself, of what users_find() gave; takes long. */
bool check_password(const struct users *u, const struct secrets *s,
    struct str password, struct check_work *ret);

/*
 * Waits: for a place to compute in (as many as there are processors, at most
 * CHECK_AT_ONCE), and for the child that does.
 */
#define CHECK_AT_ONCE 4

enum verdict check_run(
    struct users *u, struct str name, struct str password, struct str address);

#endif
