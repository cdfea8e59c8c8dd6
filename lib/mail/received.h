/* SPDX-License-Identifier: ISC */
/*
 * received - the trace line that a taker puts before a message (RFC 5321
 * section 4.4), in Postfix's look:
 *
 *	Received: from HELO (NAME [ADDRESS])
 *		(Authenticated sender: LOGIN)
 *		by HOST (MAIL_NAME) with ESMTP id QID
 *		for <RECIPIENT>; DATE
 *
 * and for local mail
 *
 *	Received: by HOST (MAIL_NAME, from userid N)
 *		id QID; DATE
 */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum received_from {
	RECEIVED_FROM_CLIENT,
	RECEIVED_FROM_USER,  /* local mail: uid */
	RECEIVED_FROM_SUITE, /* a notification of our own, or a client who is
	                        not to be told of */
};

struct received {
	enum received_from from;
	struct str hostname, mail_name;
	struct str helo, client_name, client_addr;
	struct str proto;
	struct str login; /* to be shown; empty: nobody, or not */
	struct str tls;   /* lines, as mail/tls_text.h makes them */
	uint64_t uid;
	struct str id;
	struct str recipient; /* as it stands in <>; empty: more than one */
	int64_t arrival;      /* wall clock */
};

/* Append the field, LF-ended.  What the client said (helo, name) is shown
 * with '?' for what could be taken for structure.  -EMSGSIZE. */
int received_format(const struct received *r, struct buf *out);

#endif
