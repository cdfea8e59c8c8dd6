/* SPDX-License-Identifier: ISC */
/*
 * question - what PAM says of one password: the service "valija", of users
 * of the system whose uid is high enough.
 *
 * It blocks as long as a module likes: it runs in a child.  Someone who is
 * no user of the system costs a hash as the others do.
 */
#ifndef PAM_QUESTION_H
#define PAM_QUESTION_H

#include "base/str.h"
#include "mail/proto/pam.h"

#include <stdbool.h>
#include <sys/types.h>

struct question {
	const char *name, *password, *address;
	uid_t min_uid;
};

/* "name NUL password NUL address NUL", the whole of `text`, which must
 * outlive it.  False: something else. */
bool question_parse(struct str text, struct question *ret);

enum pam_answer question_ask(const struct question *q);

#endif
