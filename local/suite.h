/* SPDX-License-Identifier: ISC */
/*
 * suite - the world as the suite's other programs show it: lookup knows
 * users and groups, and mda's children, each of them a user, read files.
 */
#ifndef LOCAL_SUITE_H
#define LOCAL_SUITE_H

#include "world.h"

#include "base/serve.h"

struct suite;

struct suite *suite_new(struct serve *sv, struct link *lookup);
struct world suite_world(struct suite *s);

#endif
