/* SPDX-License-Identifier: ISC */
/*
 * line - what a client of the Dovecot authentication protocol says, a line:
 * words with tabs between them (Dovecot: auth-protocol.txt, version 1.1).
 *
 *	VERSION 1 2
 *	CPID 4711
 *	AUTH 1 PLAIN service=smtp rip=192.0.2.1 secured resp=BASE64
 *	CONT 1 BASE64
 *	CANCEL 1
 */
#ifndef AUTH_LINE_H
#define AUTH_LINE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define LINE_MAX_BYTES (16 * 1024 - 2)

enum line_kind {
	LINE_VERSION,
	LINE_CPID,
	LINE_AUTH,
	LINE_CONT,
	LINE_CANCEL,
	LINE_OTHER, /* of a later version: to be passed over */
};

struct line {
	enum line_kind kind;
	uint64_t major;       /* VERSION */
	uint64_t id;          /* AUTH, CONT, CANCEL */
	struct str mechanism; /* AUTH, and what follows */
	struct str address;   /* rip=; empty: not said */
	bool takes_final;     /* final-resp-ok: SCRAM's last word beside OK */
	bool has_response;    /* resp= with something behind it; CONT has one */
	struct str response;  /* base64 */
};

/* Borrows from `text`.  0, or -EINVAL: not of the protocol. */
int line_parse(struct str text, struct line *ret);

#endif
