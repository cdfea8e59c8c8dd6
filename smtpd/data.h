/* SPDX-License-Identifier: ISC */
/*
 * data - the bytes between DATA's 354 and CRLF.CRLF (RFC 5321 section 4.5.2),
 * turned into lines ended by LF with the dots that the client doubled taken
 * off.  Works on blocks as they come from the socket; a pure function of the
 * bytes and of the few states in between, wherever the blocks were cut.
 *
 * SECURITY: nothing but CR LF '.' CR LF ends the content, whoever the client
 * is (SMTP smuggling, CVE-2023-51764).  A bare LF or CR is noted; what comes
 * out for it is a line end and a blank (nothing for CRs in front of CRLF), so
 * that a stray one never leaves this host again; whether such a message is
 * taken is the caller's decision.  A dot behind a bare LF is text.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum data_state {
	DATA_LINE,   /* just behind CRLF (or at the very start) */
	DATA_DOT,    /* CRLF '.' */
	DATA_DOT_CR, /* CRLF '.' CR */
	DATA_TEXT,
	DATA_CR, /* CR, one or more, in the midst of a line */
	DATA_ENDED,
};

struct data {
	enum data_state state;
	bool bare_lf, bare_cr; /* seen so far */
	uint64_t size;         /* bytes that came, the end included */
};

void data_init(struct data *d);

/* More bytes of output than DATA_EXTRA over the input there never are. */
#define DATA_EXTRA 2

/*
 * Take bytes of `in`, all of them unless the end stands in it; put what comes
 * out into `out` (room for in.len + DATA_EXTRA), its length into *ret_out.
 * Returns how many were taken; d->state is DATA_ENDED at the end, and what
 * follows it in `in` are the client's next commands.
 */
size_t data_parse(struct data *d, struct str in, char *out, size_t *ret_out);

#endif
