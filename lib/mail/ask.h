/* SPDX-License-Identifier: ISC */
/*
 * ask - the questions that a program puts to dns and lookup, from a task.
 *
 * Each waits for its answer, up to a deadline of its own (DNS_DEADLINE,
 * LOOKUP_DEADLINE); no answer in time, no way to the other program, a
 * conversation that broke twice: all are FIND_RETRY, 'could not ask', and
 * never FIND_NO.  What is found lies in the caller's arena.  An arena with
 * less than ASK_ROOM bytes left gets FIND_RETRY as well, so that no answer
 * from outside can fill it.
 *
 *	struct link *dns = link_new(sv, "dns", &dns_protocol, NULL, NULL);
 *	struct dns_answer answer;
 *	switch (ask_dns(dns, domain, DNS_MX, &arena, &answer)) {
 *	...
 */
#ifndef MAIL_ASK_H
#define MAIL_ASK_H

#include "base/arena.h"
#include "base/find.h"
#include "base/serve.h"
#include "mail/proto/dns.h"
#include "mail/proto/lookup.h"
#include "net/ip.h"

#include <sys/types.h>

#define ASK_ROOM       (256 * 1024) /* the largest answer takes less */
#define ASK_GROUPS_MAX 64
#define ASK_HOSTS_MAX  32

/*
 * The result is also ret->find.  *ret is always set: nxdomain with FIND_NO,
 * why with FIND_RETRY and FIND_BROKEN.
 */
enum find ask_dns(struct link *dns, struct str name, enum dns_type type,
    struct arena *a, struct dns_answer *ret);
/* Record `i` of an answer. */
const struct dns_record *ask_dns_record(
    const struct dns_answer *answer, size_t i);

struct ask_user {
	struct str name;
	uid_t uid;
	gid_t gid;
	struct str home, shell, gecos;
};
enum find ask_user(struct link *lookup, struct str name, struct arena *a,
    struct ask_user *ret);
enum find ask_user_by_uid(
    struct link *lookup, uid_t uid, struct arena *a, struct ask_user *ret);

enum find ask_group(
    struct link *lookup, struct str name, struct arena *a, gid_t *ret_gid);

/* All groups of a user, the first ASK_GROUPS_MAX of them. */
struct ask_groups {
	gid_t gids[ASK_GROUPS_MAX];
	size_t n;
};
enum find ask_groups(struct link *lookup, struct str user, struct arena *a,
    struct ask_groups *ret);

/* The addresses of a host by the system's own ways (/etc/hosts ...). */
struct ask_hosts {
	struct ip ips[ASK_HOSTS_MAX];
	size_t n;
};
enum find ask_host(struct link *lookup, struct str name, struct arena *a,
    struct ask_hosts *ret);

/* The name of an address, by the same ways; not checked forward. */
enum find ask_address(struct link *lookup, const struct ip *ip, struct arena *a,
    struct str *ret_name);

#endif
