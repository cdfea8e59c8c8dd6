/* SPDX-License-Identifier: ISC */
/*
 * status - how a command's end becomes an outcome: what it printed, if that
 * begins with an enhanced status code (RFC 3463); else its exit status as
 * sysexits.h has them.
 */
#ifndef MDA_STATUS_H
#define MDA_STATUS_H

#include "job.h"

#define STATUS_OUTPUT_MAX 4096

/* `status` as waitpid(2) gives it; `output` is what it printed. */
void status_tell(struct delivery *d, int status, struct str output);

#endif
