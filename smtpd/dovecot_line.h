/* SPDX-License-Identifier: ISC */
/*
 * dovecot_line - one line of an authentication server, in the Dovecot
 * authentication protocol, version 1:
 *
 *	VERSION major minor            MECH name property...      DONE
 *	OK id user=NAME ...            CONT id base64
 *	FAIL id [user=NAME] [temp] [code=WORD] [reason=TEXT] ...
 *
 * Fields are divided by HT; in a value SOH and a letter stand for what could
 * be taken for structure.  Lines of other kinds (SPID, CUID, COOKIE, those of
 * later versions) and other fields are none of a client's business.
 */
#ifndef SMTPD_DOVECOT_LINE_H
#define SMTPD_DOVECOT_LINE_H

#include "base/arena.h"
#include "base/str.h"
#include "net/stream.h"

#include <stdbool.h>
#include <stdint.h>

#define DOVECOT_LINE_MAX      (STREAM_IN - 2) /* a server's; theirs is 16384 */
#define DOVECOT_MECHANISM_MAX 20              /* RFC 4422 section 3.1 */
#define DOVECOT_REASON_MAX    200

enum dovecot_kind {
	DOVECOT_OTHER,
	DOVECOT_VERSION,
	DOVECOT_MECH,
	DOVECOT_DONE,
	DOVECOT_OK,
	DOVECOT_CONT,
	DOVECOT_FAIL,
};

/* What a mechanism is. */
enum dovecot_property {
	DOVECOT_ANONYMOUS = 1 << 0,
	DOVECOT_PLAINTEXT = 1 << 1,
	DOVECOT_DICTIONARY = 1 << 2, /* can be guessed from what is heard */
	DOVECOT_ACTIVE = 1 << 3,     /* falls to who stands between */
	DOVECOT_FORWARD_SECRECY = 1 << 4,
	DOVECOT_MUTUAL_AUTH = 1 << 5,
	DOVECOT_PRIVATE = 1 << 6, /* of Dovecot's own programs */
};

struct dovecot_line {
	enum dovecot_kind kind;
	uint64_t major, minor; /* VERSION */
	struct str mechanism;  /* MECH */
	unsigned properties;   /* the same; enum dovecot_property as bits */
	uint32_t id;           /* OK, CONT, FAIL */
	struct str user;       /* OK: never empty; FAIL: perhaps */
	struct str challenge;  /* CONT: base64, perhaps empty */
	bool is_temporary;     /* FAIL: it could not ask */
	struct str reason;     /* FAIL: for a person, one line; or empty */
};

/*
 * A line without its LF.  0 with what it says, borrowed from it or copied
 * into `a`; -EBADMSG: it is of a kind that counts and not as it must be.  A
 * user is at most BOUND_NAME bytes without control characters.
 */
int dovecot_parse_line(
    struct str line, struct arena *a, struct dovecot_line *ret);

/* Nothing that could end a field: the characters of base64 only.  Whether it
 * is right is for the server to say. */
bool dovecot_is_base64(struct str text);

#endif
