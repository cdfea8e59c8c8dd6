/* SPDX-License-Identifier: ISC */
/* service - qmgr's questions (mail/proto/expand.h), a task each. */
#ifndef LOCAL_SERVICE_H
#define LOCAL_SERVICE_H

#include "site.h"

/* Takes the descriptor. */
void service_open(struct site *s, int fd);

#endif
