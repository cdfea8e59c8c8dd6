/* SPDX-License-Identifier: ISC */
/*
 * access - asking an access table, step by step, until a key is found.
 */
#ifndef SMTPD_ACCESS_H
#define SMTPD_ACCESS_H

#include "base/find.h"
#include "base/str.h"
#include "check.h"
#include "net/ip.h"

/* What a table said, or that it could not say; begins as FIND_NO.  Asking
 * again once it is anything else does nothing. */
struct access_answer {
	enum find find;
	struct str value;
};

/* The name, then what it lies in. */
void access_domain(struct check *c, const struct rule *r, struct str name,
    struct access_answer *ret);
/* The address, then the networks it lies in. */
void access_ip(struct check *c, const struct rule *r, const struct ip *ip,
    struct access_answer *ret);

/* Carry out what was found. */
enum verdict access_act(struct check *c, const struct rule *r,
    const struct access_answer *answer, enum subject about);

#endif
