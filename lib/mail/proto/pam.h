/* SPDX-License-Identifier: ISC */
/*
 * proto/pam - auth and pam: one question a conversation, which is a stream, so
 * that a password lies in no buffer that is not wiped.
 *
 *	auth                                     pam
 *	  name NUL password NUL address NUL   ->
 *	                                      <- one byte, enum pam_answer
 *
 * PAM_QUESTION_MAX bytes at most; the end of the conversation before a byte
 * is "could not ask".
 */
#ifndef MAIL_PROTO_PAM_H
#define MAIL_PROTO_PAM_H

#include "base/clock.h"
#include "mail/password.h"
#include "mail/secrets.h"

#define PAM_ADDRESS_MAX  64
#define PAM_QUESTION_MAX (SECRETS_USER_MAX + PASSWORD_MAX + PAM_ADDRESS_MAX + 3)
#define PAM_DEADLINE     (30 * CLOCK_SEC) /* for whoever asks */

enum pam_answer {
	PAM_RIGHT = 'y',
	PAM_WRONG = 'n',
	PAM_RETRY = '?', /* a module could not say */
};

#endif
