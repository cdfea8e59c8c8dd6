/* SPDX-License-Identifier: ISC */
/*
 * exec - a command's text as a new program: its words if the text has nothing
 * in it that a shell would treat, else /bin/sh -c with the literal text that
 * the user wrote.  SECURITY: nothing of a message or an address becomes part
 * of the text; it goes into the environment, with every byte that a shell
 * might treat turned into "_".
 */
#ifndef MDA_EXEC_H
#define MDA_EXEC_H

#include "job.h"
#include "settings.h"

/* NAME=value strings for a delivery, in `a`. */
char **exec_environment(
    const struct delivery *d, const struct settings *s, struct arena *a);

/* The words of a text without shell characters; NULL: it needs the shell. */
char **exec_words(struct str text, struct arena *a);

/*
 * In the forked process: be the command, with these ends as its standard
 * input, output and error.  Does not come back.
 */
_Noreturn void exec_command(
    const struct delivery *d, const struct settings *s, int input, int output);

#endif
