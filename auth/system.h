/* SPDX-License-Identifier: ISC */
/*
 * system - the login passwords of users of the system: asked of pam, when
 * auth_pam says so.
 */
#ifndef AUTH_SYSTEM_H
#define AUTH_SYSTEM_H

#include "check.h"

#include "base/serve.h"

/* From here on, or not any more (NULL). */
void system_use(struct serve *sv);
bool system_is_used(void);

/* Waits.  VERDICT_OK, VERDICT_WRONG (also for who is not there), or
 * VERDICT_RETRY. */
enum verdict system_check(
    struct str name, struct str password, struct str address);

#endif
