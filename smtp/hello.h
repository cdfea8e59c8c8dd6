/* SPDX-License-Identifier: ISC */
/*
 * hello - what is said before the first message: the server's greeting, EHLO
 * (HELO, LHLO), what the server can do, and logging in.
 */
#ifndef SMTP_HELLO_H
#define SMTP_HELLO_H

#include "session.h"

/* False with *why: the session is of no use. */
bool hello_say(struct session *s, struct fail *why);

#endif
