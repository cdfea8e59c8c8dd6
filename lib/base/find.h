/* SPDX-License-Identifier: ISC */
/*
 * find - the answer to "is it there?".
 *
 * Every look-up, be it in a table, the DNS or the password file, ends in
 * one of four ways, and the last two must never be mistaken for the second:
 * mail bounces on NO and waits on RETRY.  A switch over this type has no
 * default, so that the compiler finds the case that was forgotten.
 */
#ifndef BASE_FIND_H
#define BASE_FIND_H

enum find {
	FIND_YES,    /* found; the answer is set */
	FIND_NO,     /* authoritatively not there */
	FIND_RETRY,  /* could not ask now; ask again later */
	FIND_BROKEN, /* cannot be asked: misconfigured or corrupt */
};

#endif
