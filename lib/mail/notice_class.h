/* SPDX-License-Identifier: ISC */
/*
 * notice_class - notify_classes: the kinds of trouble that a postmaster hears
 * of, each by mail to the parameter of its name (bounce_notice_recipient ...;
 * error_notice_recipient for those without one).
 */
#ifndef MAIL_NOTICE_CLASS_H
#define MAIL_NOTICE_CLASS_H

#include "base/str.h"

enum notice_class {
	NOTICE_BOUNCE = 1 << 0,   /* mail that went back to its sender */
	NOTICE_2BOUNCE = 1 << 1,  /* a notification that cannot be delivered */
	NOTICE_DATA = 1 << 2,     /* a table that cannot be asked */
	NOTICE_DELAY = 1 << 3,    /* mail that waits for long */
	NOTICE_POLICY = 1 << 4,   /* a client that the rules refuse */
	NOTICE_PROTOCOL = 1 << 5, /* a peer that does not keep to SMTP */
	NOTICE_RESOURCE = 1 << 6, /* no room, no memory */
	NOTICE_SOFTWARE = 1 << 7, /* what else went wrong inside */
};

/* A list of their names as bits; the first word that is none is *ret_bad
 * (may be NULL), which is empty when all are. */
unsigned notice_classes(struct str list, struct str *ret_bad);

#endif
