/* SPDX-License-Identifier: ISC */
/*
 * fake_auth - an authentication server for the desk, in a task: alice's
 * password is "secret", by PLAIN and LOGIN.
 */
#ifndef T_SMTPD_FAKE_AUTH_H
#define T_SMTPD_FAKE_AUTH_H

#include "base/str.h"

/*
 * What it does from now on; borrowed:
 *	up              what it should
 *	down            nobody can connect
 *	greeting TEXT   it greets so
 *	say TEXT        that is all it says to an AUTH; ID in it is the number
 *	hangup          to an AUTH
 *	silent          to an AUTH
 */
void fake_auth(struct str how);

int fake_auth_connect(void); /* the client's end, or -errno */

struct str fake_auth_heard(void); /* all lines, since the last call of: */
void fake_auth_forget(void);
unsigned fake_auth_connections(void);

#endif
