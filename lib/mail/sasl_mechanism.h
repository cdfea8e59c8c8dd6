/* SPDX-License-Identifier: ISC */
/* sasl_mechanism - what a mechanism is made of; for the files of sasl. */
#ifndef MAIL_SASL_MECHANISM_H
#define MAIL_SASL_MECHANISM_H

#include "mail/hmac.h"
#include "mail/sasl.h"

#include <stddef.h>

struct sasl_mechanism {
	const char *name;
	unsigned withstands; /* enum sasl_property */
	bool speaks_first;
	enum hmac_hash hash;
	unsigned steps; /* responses until it is complete */
	size_t room;    /* bytes of its own state, zeroed at first */
	/* As sasl_step(); s->step counts from 0. */
	bool (*step)(struct sasl *s, struct str challenge, struct buf *response,
	    const char **why);
	void (*done)(struct sasl *s); /* may be NULL */
};

struct sasl {
	const struct sasl_mechanism *mechanism;
	struct buf user, password;
	unsigned step;
	bool is_broken; /* nothing more will be said */
	void *state;    /* mechanism->room bytes, wiped at the end */
};

extern const struct sasl_mechanism sasl_plain, sasl_login, sasl_cram_md5,
    sasl_scram_sha1, sasl_scram_sha256;

#endif
