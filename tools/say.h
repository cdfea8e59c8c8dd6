/* SPDX-License-Identifier: ISC */
/*
 * say - what a tool tells: on standard error ("postsuper: fatal: text") and,
 * where its user may write there, in the log.
 */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

#include "mail/conf.h"

/* The tool's name; nothing goes to the log yet. */
void say_init(const char *program);
/* From here on also to the log that `c` names. */
void say_open(const struct conf *c);

void say_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_fatal(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The configuration in `dir` (NULL: MAIL_CONFIG, or as built); its log.  One
 * that has an error ends the tool with `code`. */
struct conf *say_conf(const char *dir, int code);

#endif
