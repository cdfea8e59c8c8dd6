/* SPDX-License-Identifier: ISC */
/* structure - the queue's, checked by qmgr part by part; what it found is
 * said. */
#ifndef TOOLS_STRUCTURE_H
#define TOOLS_STRUCTURE_H

#include "base/chan.h"

#include <stdbool.h>

struct structure {
	bool has_names;   /* -s: files lie where they belong */
	bool has_content; /* -S: and each message can be read */
	bool has_tmp;     /* -p: old temporary files go */
};

/* 0, or -errno, which was said (-EPERM was not).  Waits. */
int structure_check(struct chan *c, const struct structure *s);

#endif
