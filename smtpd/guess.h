/* SPDX-License-Identifier: ISC */
/*
 * guess - what it costs a client to guess at passwords: each wrong one is
 * answered later than the one before, 2, 4, 8 seconds after it was said,
 * whatever was wrong with it and however soon that was known; and with the
 * third one the session ends.
 */
#ifndef SMTPD_GUESS_H
#define SMTPD_GUESS_H

#include <stdint.h>

#define GUESSES_MAX 3 /* of a session */

struct session;

/* A login failed that was begun at `since` (clock_mono): wait until it may be
 * told. */
void guess_failed(struct session *s, int64_t since);

/* It was told: the session goes on, or does not. */
void guess_told(struct session *s);

#endif
