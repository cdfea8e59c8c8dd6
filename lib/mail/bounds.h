/* SPDX-License-Identifier: ISC */
/*
 * bounds - how long the fields of envelopes and packets may be, in bytes:
 * one name for one kind of field, used by every shape of lib/mail.
 */
#ifndef MAIL_BOUNDS_H
#define MAIL_BOUNDS_H

#include "mail/content.h"
#include "mail/envelope.h"

#define BOUND_WORD    64   /* a protocol's name, a program's, a queue's */
#define BOUND_DSN     16   /* "5.7.123" (RFC 3463: at most 9) */
#define BOUND_NAME    256  /* a login, a service, a domain */
#define BOUND_CLIENT  512  /* "name[address]", a HELO argument */
#define BOUND_ENVID   256  /* RFC 3461 section 4.4: 100 of xtext */
#define BOUND_ORCPT   1024 /* RFC 3461 section 4.2: 500 of xtext */
#define BOUND_NOTIFY  15   /* all bits of enum notify */
#define BOUND_RET     2
#define BOUND_PATH    8192         /* a path, or a command's text */
#define BOUND_HEADER  (128 * 1024) /* what delivery or forwarding prepends */
#define BOUND_NEXTHOP 2048         /* a host, a domain, or error's text */

#endif
