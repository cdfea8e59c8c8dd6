/* SPDX-License-Identifier: ISC */
/* tables - the environment of tables in a program. */
#include "mail/tables.h"

#include "base/log.h"
#include "mail/ask.h"

#include <errno.h>
#include <fcntl.h>

static int
open_gift(void *arg, const char *path)
{
	const struct tables *t = arg;
	ARENA_CLEANUP struct arena a = {0};
	int fd, copy;

	arena_init(&a, CHAN_PACKET);
	fd = serve_gift(t->sv, arena_join(&a, STR("file:"), str_c(path)));
	if (fd < 0)
		return -ENOENT;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : copy;
}

/* A line of /etc/passwd, without what nobody needs of it. */
static enum find
find_user(struct tables *t, struct str name, struct arena *a, struct str *ret)
{
	struct ask_user user;
	enum find found = ask_user(t->lookup, name, a, &user);

	if (found == FIND_YES)
		*ret = arena_strf(a, "%.*s:x:%u:%u:%.*s:%.*s:%.*s",
		    STR_ARG(user.name), user.uid, user.gid, STR_ARG(user.gecos),
		    STR_ARG(user.home), STR_ARG(user.shell));
	return found;
}

static enum find
find_group(struct tables *t, struct str name, struct arena *a, struct str *ret)
{
	gid_t gid;
	enum find found = ask_group(t->lookup, name, a, &gid);

	if (found == FIND_YES)
		*ret = arena_strf(a, "%.*s:x:%u:", STR_ARG(name), gid);
	return found;
}

static enum find
look_up(void *arg, struct str database, struct str key, struct arena *a,
    struct str *ret_value)
{
	struct tables *t = arg;

	if (t->lookup == NULL)
		return FIND_RETRY;
	if (str_eq(database, STR("passwd.byname")))
		return find_user(t, key, a, ret_value);
	if (str_eq(database, STR("group.byname")))
		return find_group(t, key, a, ret_value);
	return FIND_BROKEN;
}

static void
remark(void *arg, const char *text)
{
	(void)arg;
	log_warning("%s", text);
}

void
tables_init(struct tables *t, struct serve *sv, struct link *lookup,
    struct str default_type)
{
	*t = (struct tables){
	    .env =
		{
		    .open = open_gift,
		    .lookup = look_up,
		    .remark = remark,
		    .arg = t,
		    .default_type = default_type,
		},
	    .sv = sv,
	    .lookup = lookup,
	};
}
