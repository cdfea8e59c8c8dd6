/* SPDX-License-Identifier: ISC */
/*
 * command - the role that runs users' commands: one process and session for
 * each delivery, the message on its standard input, its exit status and the
 * first of its output the outcome.  It is not shut in (but for no_new_privs,
 * if the settings say so): what it may do is what the user may.
 */
#ifndef MDA_COMMAND_H
#define MDA_COMMAND_H

#include "settings.h"

void command_run(const struct settings *s, int fd);

#endif
