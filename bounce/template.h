/* SPDX-License-Identifier: ISC */
/*
 * template - what notifications say to people: the built-in texts, and those
 * of bounce_template_file in Postfix's format, a template a kind:
 *
 *	failure_template = <<EOF
 *	Charset: us-ascii
 *	From: MAILER-DAEMON (Mail Delivery System)
 *	Subject: Undelivered Mail Returned to Sender
 *	Postmaster-Subject: Postmaster Copy: Undelivered Mail
 *
 *	This is the mail system at host $myhostname. ...
 *	EOF
 *
 * delay_template, success_template; verify_template is read and not used.
 * Fields may be left out, and stand in one line, in ASCII, without $names.  In
 * the text $name, ${name} and $(name) are main.cf's values, $$ is a dollar,
 * and $delay_warning_time_UNIT, $maximal_queue_lifetime_UNIT and
 * $bounce_queue_lifetime_UNIT (seconds, minutes, hours, days, weeks) the
 * value in that unit.  A text that is not ASCII names its Charset.
 */
#ifndef BOUNCE_TEMPLATE_H
#define BOUNCE_TEMPLATE_H

#include "base/arena.h"
#include "mail/conf.h"
#include "mail/proto/job.h"

#define TEMPLATE_FILE_MAX ((size_t)256 * 1024)
#define TEMPLATE_TEXT_MAX ((size_t)64 * 1024) /* expanded */
#define TEMPLATES         (BOUNCE_SUCCESS + 1)

struct template
{
	struct str charset, from, subject, postmaster_subject;
	struct str text; /* expanded; lines that end in LF */
};

struct templates {
	struct template of[TEMPLATES]; /* by enum bounce_about */
};

/* The built-in ones; all in `a`. */
void templates_init(struct templates *t, const struct conf *c, struct arena *a);

/*
 * Those of a file take their places.  `say` hears of each thing that is wrong,
 * with its line; a template with a fault is not taken.
 */
typedef void (*template_say_fn)(void *arg, unsigned line, const char *why);
void templates_read(struct templates *t, struct str file, const struct conf *c,
    struct arena *a, template_say_fn say, void *arg);

#endif
