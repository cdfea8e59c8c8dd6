/* SPDX-License-Identifier: ISC */
/*
 * ask - questions to dns and lookup.  Whatever goes wrong on the way comes
 * out as FIND_RETRY; an answer is copied out of its parcel before that goes.
 */
#include "mail/ask.h"

#include <errno.h>

static enum find
find_from_wire(uint64_t find)
{
	/* SECURITY: a number that we do not know is 'could not ask'. */
	return find <= FIND_BROKEN ? (enum find)find : FIND_RETRY;
}

static struct dns_answer
could_not_ask(const char *why)
{
	return (struct dns_answer){.find = FIND_RETRY, .why = str_c(why)};
}

enum find
ask_dns(struct link *dns, struct str name, enum dns_type type, struct arena *a,
    struct dns_answer *ret)
{
	struct dns_ask ask = {.name = name, .type = type};
	struct parcel p;

	if (name.len > DNS_ASK_MAX) {
		*ret = (struct dns_answer){.find = FIND_NO,
		    .nxdomain = 1,
		    .why = str_c("invalid host or domain name")};
		return FIND_NO;
	}
	if (arena_left(a) < ASK_ROOM) {
		*ret = could_not_ask("too many DNS answers to keep");
		return FIND_RETRY;
	}
	int e = link_call(
	    dns, DNS_ASK, &ask, NULL, 0, &p, clock_after(DNS_DEADLINE));
	if (e != 0) {
		*ret = could_not_ask(e == -ETIMEDOUT
					 ? "Name service timed out"
					 : "Name service not available");
		return FIND_RETRY;
	}
	if (p.kind == DNS_ANSWER) {
		shape_copy(&dns_answer_shape, p.value, a, ret);
		ret->find = find_from_wire(ret->find);
	} else {
		*ret = could_not_ask("Name service gave no answer");
	}
	parcel_done(&p);
	return (enum find)ret->find;
}

const struct dns_record *
ask_dns_record(const struct dns_answer *answer, size_t i)
{
	return (const struct dns_record *)answer->records.p + i;
}

static enum find
ask_lookup(struct link *lookup, enum lookup_database database, struct str key,
    struct arena *a, struct lookup_answer *ret)
{
	struct lookup_ask ask = {.database = database, .key = key};
	struct parcel p;
	enum find find = FIND_RETRY;

	if (key.len > LOOKUP_KEY_MAX)
		return FIND_NO;
	if (arena_left(a) < ASK_ROOM)
		return FIND_RETRY;
	if (link_call(lookup, LOOKUP_ASK, &ask, NULL, 0, &p,
		clock_after(LOOKUP_DEADLINE)) != 0)
		return FIND_RETRY;
	if (p.kind == LOOKUP_ANSWER) {
		shape_copy(&lookup_answer_shape, p.value, a, ret);
		find = find_from_wire(ret->find);
	}
	parcel_done(&p);
	return find;
}

static enum find
ask_passwd(struct link *lookup, enum lookup_database database, struct str key,
    struct arena *a, struct ask_user *ret)
{
	struct lookup_answer answer;
	enum find find = ask_lookup(lookup, database, key, a, &answer);

	if (find == FIND_YES)
		*ret = (struct ask_user){
		    .name = answer.name,
		    .uid = (uid_t)answer.uid,
		    .gid = (gid_t)answer.gid,
		    .home = answer.home,
		    .shell = answer.shell,
		    .gecos = answer.gecos,
		};
	return find;
}

enum find
ask_user(
    struct link *lookup, struct str name, struct arena *a, struct ask_user *ret)
{
	return ask_passwd(lookup, LOOKUP_PASSWD_BYNAME, name, a, ret);
}

enum find
ask_user_by_uid(
    struct link *lookup, uid_t uid, struct arena *a, struct ask_user *ret)
{
	if (arena_left(a) < ASK_ROOM)
		return FIND_RETRY;
	return ask_passwd(lookup, LOOKUP_PASSWD_BYUID,
	    arena_strf(a, "%u", (unsigned)uid), a, ret);
}

enum find
ask_group(struct link *lookup, struct str name, struct arena *a, gid_t *ret_gid)
{
	struct lookup_answer answer;
	enum find find =
	    ask_lookup(lookup, LOOKUP_GROUP_BYNAME, name, a, &answer);

	if (find == FIND_YES)
		*ret_gid = (gid_t)answer.gid;
	return find;
}

enum find
ask_groups(struct link *lookup, struct str user, struct arena *a,
    struct ask_groups *ret)
{
	struct lookup_answer answer;
	enum find find = ask_lookup(lookup, LOOKUP_GROUPS_OF, user, a, &answer);

	if (find != FIND_YES)
		return find;
	struct ask_groups groups = {.n = 0};
	struct str rest = answer.text, word;
	while ((word = str_word(&rest, " ")).len > 0 &&
	       groups.n < ASK_GROUPS_MAX) {
		uint64_t gid;
		if (str_parse_u64(word, UINT32_MAX, &gid) != 0)
			return FIND_RETRY;
		groups.gids[groups.n++] = (gid_t)gid;
	}
	*ret = groups;
	return FIND_YES;
}

enum find
ask_host(struct link *lookup, struct str name, struct arena *a,
    struct ask_hosts *ret)
{
	struct lookup_answer answer;
	enum find find = ask_lookup(lookup, LOOKUP_HOST, name, a, &answer);

	if (find != FIND_YES)
		return find;
	struct ask_hosts hosts = {.n = 0};
	struct str rest = answer.text, word;
	while ((word = str_word(&rest, " ")).len > 0 && hosts.n < ASK_HOSTS_MAX)
		if (ip_parse(word, &hosts.ips[hosts.n++]) != 0)
			return FIND_RETRY;
	*ret = hosts;
	return FIND_YES;
}

enum find
ask_address(struct link *lookup, const struct ip *ip, struct arena *a,
    struct str *ret_name)
{
	struct lookup_answer answer;
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	enum find find =
	    ask_lookup(lookup, LOOKUP_ADDRESS, str_c(text), a, &answer);
	if (find == FIND_YES)
		*ret_name = answer.text;
	return find;
}
