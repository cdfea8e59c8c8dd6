/* SPDX-License-Identifier: ISC */
/*
 * database - questions to the name service switch, through the reentrant
 * calls, with a buffer that grows up to a bound.
 */
#include "database.h"

#include "base/buf.h"
#include "net/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>

#define BUFFER_FIRST 4096
#define HOST_BUFFER  (256 * 1024)

void
database_init(void)
{
	/* SECURITY: no DNS here: a client's name server could hold up every
	 * look-up of the host. */
	__nss_configure_lookup("hosts", "files");
}

static void
fail(struct lookup_answer *ret, enum find find, const char *why)
{
	*ret = (struct lookup_answer){.find = find, .name = str_c(why)};
}

/* What a reentrant call said that found nothing: 0 is "not there", and every
 * errno is "could not ask", ENOENT (of a module's socket) included. */
static void
fail_errno(struct lookup_answer *ret, int error, struct arena *a)
{
	if (error == 0) {
		fail(ret, FIND_NO, "not found");
		return;
	}
	if (error == ERANGE) {
		fail(ret, FIND_BROKEN, "entry too long");
		return;
	}
	*ret = (struct lookup_answer){
	    .find = FIND_RETRY, .name = arena_strf(a, "%s", strerror(error))};
}

/* Twice the room, in `b` as a whole; false at the bound. */
static bool
grow(struct buf *b, size_t *n)
{
	if (*n > b->max / 2)
		return false;
	*n *= 2;
	return true;
}

static void
take_passwd(const struct passwd *pw, struct arena *a, struct lookup_answer *ret)
{
	*ret = (struct lookup_answer){
	    .find = FIND_YES,
	    .name = arena_str(a, str_c(pw->pw_name)),
	    .uid = pw->pw_uid,
	    .gid = pw->pw_gid,
	    .home = arena_str(a, str_c(pw->pw_dir)),
	    .shell = arena_str(a, str_c(pw->pw_shell)),
	    .gecos = arena_str(a, str_c(pw->pw_gecos)),
	};
}

static bool
is_short(const struct passwd *pw)
{
	return str_c(pw->pw_name).len <= LOOKUP_KEY_MAX &&
	       str_c(pw->pw_dir).len <= LOOKUP_TEXT_MAX &&
	       str_c(pw->pw_shell).len <= LOOKUP_TEXT_MAX &&
	       str_c(pw->pw_gecos).len <= LOOKUP_TEXT_MAX;
}

/* By name, or by uid when `name` is NULL. */
static void
ask_passwd(
    const char *name, uid_t uid, struct arena *a, struct lookup_answer *ret)
{
	BUF_CLEANUP struct buf b = {0};
	size_t n = BUFFER_FIRST;
	struct passwd entry, *found;
	int error;

	buf_init(&b, DATABASE_BUFFER_MAX);
	do {
		char *room = buf_room(&b, n);
		error = name != NULL ? getpwnam_r(name, &entry, room, n, &found)
		                     : getpwuid_r(uid, &entry, room, n, &found);
	} while (error == ERANGE && grow(&b, &n));
	if (error != 0 || found == NULL) {
		fail_errno(ret, error, a);
		return;
	}
	/* SECURITY: the very name, not one that some database takes for the
	 * same: two spellings would be two mailboxes with one owner. */
	if (name != NULL && !str_eq(str_c(found->pw_name), str_c(name))) {
		fail(ret, FIND_NO, "not found under this spelling");
		return;
	}
	if (!is_short(found)) {
		fail(ret, FIND_BROKEN, "entry too long");
		return;
	}
	take_passwd(found, a, ret);
}

static void
ask_group(const char *name, struct arena *a, struct lookup_answer *ret)
{
	BUF_CLEANUP struct buf b = {0};
	size_t n = BUFFER_FIRST;
	struct group entry, *found;
	int error;

	buf_init(&b, DATABASE_BUFFER_MAX);
	do {
		error = getgrnam_r(name, &entry, buf_room(&b, n), n, &found);
	} while (error == ERANGE && grow(&b, &n));
	if (error != 0 || found == NULL) {
		fail_errno(ret, error, a);
		return;
	}
	*ret = (struct lookup_answer){
	    .find = FIND_YES,
	    .name = arena_str(a, str_c(name)),
	    .gid = found->gr_gid,
	};
}

static void
ask_groups(const char *user, struct arena *a, struct lookup_answer *ret)
{
	gid_t gids[DATABASE_GROUPS_MAX];
	int n = DATABASE_GROUPS_MAX;

	ask_passwd(user, 0, a, ret);
	if (ret->find != FIND_YES)
		return;
	/* Of more groups than fit, the call fills in the first ones. */
	if (getgrouplist(user, (gid_t)ret->gid, gids, &n) < 0)
		n = DATABASE_GROUPS_MAX;
	BUF_CLEANUP struct buf text = {0};
	buf_init(&text, LOOKUP_TEXT_MAX);
	for (int i = 0; i < n; i++)
		buf_addf(&text, i == 0 ? "%u" : " %u", (unsigned)gids[i]);
	ret->text = arena_str(a, buf_str(&text));
}

/* Adds the addresses of one family; false when the file could not be asked. */
static bool
add_hosts(const char *name, int family, struct buf *text, size_t *count)
{
	BUF_CLEANUP struct buf b = {0};
	struct hostent entry, *found = NULL;
	int herrno = NETDB_SUCCESS;

	buf_init(&b, HOST_BUFFER);
	if (gethostbyname2_r(name, family, &entry, buf_room(&b, HOST_BUFFER),
		HOST_BUFFER, &found, &herrno) != 0)
		return false;
	if (found == NULL)
		return herrno == HOST_NOT_FOUND || herrno == NO_DATA;
	for (char **p = found->h_addr_list; *p != NULL; p++) {
		char ip[INET6_ADDRSTRLEN];
		if (*count == DATABASE_HOSTS_MAX)
			break;
		if (inet_ntop(family, *p, ip, sizeof(ip)) == NULL)
			continue;
		buf_addf(text, *count == 0 ? "%s" : " %s", ip);
		(*count)++;
	}
	return true;
}

static void
ask_host(const char *name, struct arena *a, struct lookup_answer *ret)
{
	BUF_CLEANUP struct buf text = {0};
	size_t count = 0;

	buf_init(&text, LOOKUP_TEXT_MAX);
	bool asked4 = add_hosts(name, AF_INET, &text, &count);
	bool asked6 = add_hosts(name, AF_INET6, &text, &count);
	if (count > 0)
		*ret = (struct lookup_answer){
		    .find = FIND_YES,
		    .name = arena_str(a, str_c(name)),
		    .text = arena_str(a, buf_str(&text)),
		};
	else if (asked4 && asked6)
		fail(ret, FIND_NO, "not found");
	else
		fail(ret, FIND_RETRY, "host table not readable");
}

static void
ask_address(struct str key, struct arena *a, struct lookup_answer *ret)
{
	struct ip ip;
	struct sockaddr_storage ss;
	char host[NI_MAXHOST];

	if (ip_parse(key, &ip) != 0) {
		fail(ret, FIND_NO, "not an address");
		return;
	}
	socklen_t len = ip_to_sockaddr(&ip, 0, &ss);
	int e = getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host),
	    NULL, 0, NI_NAMEREQD);
	if (e == EAI_NONAME) {
		fail(ret, FIND_NO, "not found");
		return;
	}
	if (e != 0 || str_c(host).len > LOOKUP_KEY_MAX) {
		fail(ret, FIND_RETRY, "host table not readable");
		return;
	}
	*ret = (struct lookup_answer){
	    .find = FIND_YES,
	    .name = arena_str(a, key),
	    .text = arena_str(a, str_c(host)),
	};
}

void
database_ask(enum lookup_database database, struct str key, struct arena *a,
    struct lookup_answer *ret)
{
	uint64_t uid;

	if (key.len == 0 || key.len > LOOKUP_KEY_MAX || str_has_char(key, 0)) {
		fail(ret, FIND_NO, "no such name");
		return;
	}
	switch (database) {
	case LOOKUP_PASSWD_BYNAME:
		ask_passwd(arena_cstr(a, key), 0, a, ret);
		return;
	case LOOKUP_PASSWD_BYUID:
		if (str_parse_u64(key, UINT32_MAX, &uid) == 0)
			ask_passwd(NULL, (uid_t)uid, a, ret);
		else
			fail(ret, FIND_NO, "not a number");
		return;
	case LOOKUP_GROUP_BYNAME:
		ask_group(arena_cstr(a, key), a, ret);
		return;
	case LOOKUP_GROUPS_OF:
		ask_groups(arena_cstr(a, key), a, ret);
		return;
	case LOOKUP_HOST:
		ask_host(arena_cstr(a, key), a, ret);
		return;
	case LOOKUP_ADDRESS:
		ask_address(key, a, ret);
		return;
	}
	fail(ret, FIND_BROKEN, "no such database");
}
