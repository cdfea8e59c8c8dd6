/* SPDX-License-Identifier: ISC */
/*
 * route - where an address goes: its class, transport and next hop (what
 * Postfix's trivial-rewrite resolves).  smtpd asks it before it accepts,
 * qmgr to make jobs, local to know its own; all by this one implementation.
 */
#ifndef MAIL_ROUTE_H
#define MAIL_ROUTE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/find.h"
#include "dict/dict.h"
#include "mail/addr.h"
#include "mail/address.h"
#include "mail/conf.h"

enum route_class {
	ROUTE_LOCAL,           /* mydestination, our own address literals */
	ROUTE_VIRTUAL_ALIAS,   /* virtual_alias_domains */
	ROUTE_VIRTUAL_MAILBOX, /* virtual_mailbox_domains */
	ROUTE_RELAY,           /* relay_domains */
	ROUTE_DEFAULT,         /* the rest of the world */
};

struct route {
	enum route_class class;
	struct str transport; /* a master.cf service: "smtp", "local" ... */
	struct str
	    nexthop; /* "[host]:port", "domain", or for error: the text */
	struct str recipient; /* the address after routing */
};

struct router;

/* NULL with `why`. */
struct router *router_new(
    const struct conf *c, const struct dict_env *env, struct buf *why);
void router_free(struct router **r);

/* How addresses are looked up in this configuration. */
const struct address_rule *router_rule(const struct router *r);

/* The class alone: needs no transport table. */
enum find router_class(
    struct router *r, struct addr rcpt, struct arena *a, enum route_class *ret);

/* FIND_YES with *ret (in `a`), FIND_RETRY, FIND_BROKEN; never FIND_NO.  An
 * unknown user of virtual_alias_domains goes to "error:5.1.1 User unknown in
 * virtual alias table". */
enum find router_route(struct router *r, struct addr rcpt, struct str sender,
    struct arena *a, struct route *ret);

/* Open the tables that router_known() asks, so that what is wrong with them is
 * said at the start; else they are opened when it is first asked. */
bool router_open_known(struct router *r, struct buf *why);

/*
 * Is there such a recipient (or sender)?  By class: local_recipient_maps,
 * virtual_alias_maps, virtual_mailbox_maps, relay_recipient_maps; canonical
 * and alias tables count.  FIND_YES when the class has no table of its own.
 * FIND_NO too when its way ends here: route_ends(ret).  *ret is set by both.
 */
enum find router_known(
    struct router *r, struct addr address, struct arena *a, struct route *ret);

/* "error:text" or "retry:text": none is delivered, and why is nexthop. */
bool route_ends(const struct route *route);

/* "local recipient", "virtual mailbox" ...: as "User unknown in %s table" has
 * it. */
const char *route_class_table(enum route_class class);

/* address_find() by the router's rule. */
enum find address_lookup(struct router *r, struct maps *m, struct addr addr,
    struct arena *a, struct str *ret_value);

#endif
