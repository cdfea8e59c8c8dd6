/* SPDX-License-Identifier: ISC */
/*
 * users - who there is and by which secrets he is known: the passwd-files and
 * tables of auth_users, as they were when they were read last.
 *
 * SECURITY: nothing here is a cache: who is taken out of a file is out with
 * the next users_new().  Names are found by secrets_fold().
 */
#ifndef AUTH_USERS_H
#define AUTH_USERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/find.h"
#include "base/str.h"
#include "dict/dict.h"
#include "mail/hmac.h"
#include "mail/secrets.h"

#include <stdbool.h>

#define USERS_FILE_MAX (64 * 1024 * 1024) /* a larger site has a cdb */

/* What salts of users who are not there are made of: a passwd-file has one in
 * a line "# seed=BASE64", so that it is the same tomorrow; else this one. */
struct users_seed {
	unsigned char bytes[32];
};

struct users;

/*
 * Reads all of `list`: "/file" is a passwd-file, "type:name" a table whose
 * values are secrets.  A file that is not there is one without users.  A line
 * that is wrong is told to env->remark and skipped.  NULL with `why` when
 * something cannot be read.
 */
struct users *users_new(const struct dict_env *env, struct str list,
    const struct users_seed *seed, struct buf *why);
/* A check goes on with those it began with. */
struct users *users_ref(struct users *u);
void users_unref(struct users **u);
size_t users_count(const struct users *u);

/* May wait for some types of tables.  *ret lies in `a`. */
enum find users_find(const struct users *u, struct str name, struct arena *a,
    struct secrets *ret);

/* Has each of them a SCRAM key of that hash, so that none is turned away who
 * knows his password?  No users at all have none. */
bool users_have_scram(const struct users *u, enum hmac_hash h);

/* How many slow hashes the checking of a password costs at most, and one that
 * costs as much as theirs: what is hashed for a user who is not there. */
size_t users_cost(const struct users *u);
struct secret users_dummy(const struct users *u);

/* The salt (HMAC_MAX bytes) and the iterations of a user who is not there. */
void users_salt(const struct users *u, struct str name, unsigned char *ret);
uint32_t users_iterations(const struct users *u);

#endif
