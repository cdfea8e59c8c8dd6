/* SPDX-License-Identifier: ISC */
/*
 * conf_help - remarks gathered as lines, "E 3 text", and a conf of a text.
 */
#ifndef T_CONF_HELP_H
#define T_CONF_HELP_H

#include "tap.h"

#include "mail/conf.h"

#include <stdio.h>

struct remarks {
	char text[4096];
	size_t errors;
};

static void
gather(void *arg, const struct conf_remark *r)
{
	struct remarks *to = arg;
	size_t n = strlen(to->text);

	to->errors += r->severity == CONF_ERROR;
	(void)snprintf(to->text + n, sizeof(to->text) - n, "%c %u %.*s\n",
	    "NWE"[r->severity], r -> line, STR_ARG(r->text));
}

/* A conf of `main_cf` alone on the host "mail.example.com". */
static inline struct conf *
conf_of(const char *main_cf, struct remarks *said)
{
	char text[8192];

	*said = (struct remarks){0};
	(void)snprintf(
	    text, sizeof(text), "%s\nmyhostname = mail.example.com\n", main_cf);
	return conf_from_text(
	    "/nonexistent", str_c(text), STR_NONE, gather, said);
}

#endif
