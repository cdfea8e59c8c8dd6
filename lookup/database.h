/* SPDX-License-Identifier: ISC */
/*
 * database - one question to the system's own databases: users and groups by
 * whatever nsswitch.conf names (files, LDAP, SSSD ...), hosts by /etc/hosts.
 *
 * Each call may block for as long as a module of the name service switch
 * likes to.  Hosts are asked of /etc/hosts alone: the DNS has a program of
 * its own that does not block.
 */
#ifndef LOOKUP_DATABASE_H
#define LOOKUP_DATABASE_H

#include "base/arena.h"
#include "base/find.h"
#include "mail/proto/lookup.h"

#define DATABASE_BUFFER_MAX                                                    \
	(1024 * 1024) /* of one entry, as the system has it */
#define DATABASE_GROUPS_MAX 64
#define DATABASE_HOSTS_MAX  32
#define DATABASE_ARENA      (64 * 1024) /* an answer takes less */

/* Once, before the first question. */
void database_init(void);

/* *ret lies in `a`; ret->find is the result, ret->name says why not. */
void database_ask(enum lookup_database database, struct str key,
    struct arena *a, struct lookup_answer *ret);

#endif
