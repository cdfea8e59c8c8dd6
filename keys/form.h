/* SPDX-License-Identifier: ISC */
/*
 * form - what a message to be signed is.
 *
 * A key signs what TLS has its holder sign and nothing else, so that a program
 * in a stranger's hands cannot have it sign a statement of another kind, nor
 * serve the other role.
 *
 *	FORM_SERVER_13, FORM_CLIENT_13	RFC 8446 section 4.4.3: 64 blanks, the
 *		context string, NUL, a hash of SHA-256 or SHA-384
 *	FORM_SERVER_12	RFC 5246 section 7.4.3, RFC 8422 section 5.4: both
 *		randoms, then the parameters of ECDHE on a named curve, or of
 *		DHE with a group of 2048 to 8192 bits
 *	FORM_CLIENT_12	RFC 5246 section 7.4.8: all messages of the handshake,
 *		ClientHello to ClientKeyExchange, each once and in order
 */
#ifndef KEYS_FORM_H
#define KEYS_FORM_H

#include "base/str.h"

enum form {
	FORM_OTHER, /* to be refused */
	FORM_SERVER_13,
	FORM_CLIENT_13,
	FORM_SERVER_12,
	FORM_CLIENT_12,
};

enum form form_parse(struct str message);

#endif
