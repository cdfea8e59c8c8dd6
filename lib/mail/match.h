/* SPDX-License-Identifier: ISC */
/*
 * match - lists of names, addresses or tables, as main.cf writes them:
 * mydestination, relay_domains, mynetworks ("!" excludes, /file is read in
 * place, type:table is asked, the first match counts).
 */
#ifndef MAIL_MATCH_H
#define MAIL_MATCH_H

#include "base/buf.h"
#include "base/find.h"
#include "base/str.h"
#include "dict/dict.h"
#include "mail/conf.h"
#include "net/ip.h"

struct match;

/* A list's file holds items as the list does, on lines (dict/lines.h), and
 * names no other file.  What is a network with bits set below its mask is an
 * error that says what would be right.
 *
 * `parents`: "example.com" also matches below it (parent_domain_matches_
 * subdomains); ".example.com" always means below.  NULL with `why`. */
struct match *match_open(
    const struct dict_env *env, struct str list, bool parents, struct buf *why);
/* A parameter's list; parent_domain_matches_subdomains says whether it is one
 * of those. */
struct match *match_open_param(const struct dict_env *env, const struct conf *c,
    enum param p, struct buf *why);
void match_free(struct match **m);

enum find match_domain(struct match *m, struct str domain, struct arena *a);
enum find match_ip(struct match *m, const struct ip *ip, struct arena *a);

/* For lists of names and addresses, each item asked about both. */
enum find match_client(
    struct match *m, struct str name, const struct ip *ip, struct arena *a);

#endif
