/* SPDX-License-Identifier: ISC */
/*
 * spawn - the parent: takes what is asked for, forks, hands back a
 * descriptor.  It reads numbers and one path.
 */
#ifndef MDA_SPAWN_H
#define MDA_SPAWN_H

#include "settings.h"

/* `is_root_suite`: may become others; else every child is the caller. */
int spawn_init(const struct settings *settings, bool is_root_suite);

/* A conversation of proto/spawn; takes the descriptor. */
void spawn_serve(int fd);

#endif
