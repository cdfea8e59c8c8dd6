/* SPDX-License-Identifier: ISC */
/* user - a user of this host, and where his mailbox is. */
#include "decide.h"
#include "macro.h"

#define NAME_MAX_LOGIN 64

/* SECURITY: what can be a login name: it becomes part of a path. */
static bool
is_login(struct str s)
{
	if (s.len == 0 || s.len > NAME_MAX_LOGIN || s.p[0] == '-' ||
	    s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_alnum_char(s.p[i]) && s.p[i] != '.' &&
		    s.p[i] != '_' && s.p[i] != '-')
			return false;
	return true;
}

enum find
user_find(struct decide *d, struct str name, struct ask_user *ret)
{
	enum find f;

	if (!is_login(name))
		return FIND_NO;
	if (arena_left(d->a) < 2 * ASK_ROOM)
		return FIND_RETRY;
	f = d->site->world.user(d->site->world.arg, name, d->a, ret);
	/* A name service that ignores case finds others. */
	if (f == FIND_YES && !str_eq(ret->name, name))
		return FIND_NO;
	return f;
}

bool
user_default(struct decide *d, struct ask_user *ret)
{
	struct str name = conf_str(d->site->conf, PARAM_default_privs);

	if (user_find(d, name, ret) == FIND_YES && ret->uid != 0)
		return true;
	return answer_outcome(&d->answer, "4.3.5",
	    "default_privs: no such user, or root: %.*s", STR_ARG(name));
}

/* SECURITY: an extension is what anybody wrote in an address; one with a slash
 * is none. */
bool
user_expand(struct decide *d, const struct ask_user *user, struct str text,
    struct str *ret)
{
	bool has_slash = str_has_char(d->local, '/');
	struct str extension = has_slash ? STR_NONE : d->extension;
	struct str delimiter =
	    extension.len > 0 ? str_sub(d->local, d->user.len, 1) : STR_NONE;
	const struct macro macros[] = {
	    {"home", user->home},
	    {"user", user->name},
	    {"shell", user->shell},
	    {"recipient", has_slash ? STR_NONE : d->addr.text},
	    {"extension", extension},
	    {"recipient_delimiter", delimiter},
	    {"domain", d->addr.domain},
	    {"local", has_slash ? STR_NONE : d->local},
	};
	BUF_CLEANUP struct buf out = {0};

	buf_init(&out, 4096);
	if (!macro_expand(
		text, macros, sizeof(macros) / sizeof(macros[0]), &out))
		return false;
	*ret = arena_str(d->a, buf_str(&out));
	return true;
}

/* The directory of a command is in `root`; empty: its user's home. */
bool
user_set_command(struct decide *d, const struct ask_user *user,
    struct str command, struct action *action)
{
	struct str dir =
	    conf_str(d->site->conf, PARAM_command_execution_directory);

	action->kind = ACTION_COMMAND;
	action->path = command;
	if (dir.len == 0)
		return true;
	if (user_expand(d, user, dir, &action->root) &&
	    str_has_prefix(action->root, STR("/")))
		return true;
	return answer_outcome(&d->answer, "4.3.5",
	    "command_execution_directory says nothing for %.*s",
	    STR_ARG(d->addr.text));
}

/* require_home_directory: one that is not mounted now is no reason to make
 * another. */
static bool
check_home(struct decide *d, const struct ask_user *user)
{
	const struct world_file home = {
	    .uid = user->uid,
	    .gid = user->gid,
	    .user = user->name,
	    .root = user->home,
	    .path = user->home,
	};
	struct str text, why = STR("no such directory");
	enum find f = FIND_NO;

	if (!conf_bool(d->site->conf, PARAM_require_home_directory))
		return true;
	if (str_has_prefix(user->home, STR("/")))
		f = d->site->world.read(
		    d->site->world.arg, &home, d->a, &text, &why);
	/* A directory is there, and is no file that could be read. */
	if (f == FIND_BROKEN || f == FIND_YES)
		return true;
	return answer_outcome(&d->answer, "4.3.0",
	    "cannot access home directory %.*s: %.*s", STR_ARG(user->home),
	    STR_ARG(why));
}

/* mail_gid: /var/mail is writable for the group mail (Debian policy 11.6). */
static bool
set_spool(struct decide *d, const struct ask_user *user, struct action *action)
{
	struct str dir = conf_str(d->site->conf, PARAM_mail_spool_directory);
	bool is_maildir = str_has_suffix(dir, STR("/")) && dir.len > 1;
	gid_t gid;

	while (dir.len > 1 && dir.p[dir.len - 1] == '/')
		dir.len--;
	action->root = dir;
	action->kind = is_maildir ? ACTION_MAILDIR : ACTION_MBOX;
	action->path = is_maildir
	                   ? arena_strf(d->a, "%.*s/", STR_ARG(user->name))
	                   : user->name;
	switch (
	    d->site->world.group(d->site->world.arg, STR("mail"), d->a, &gid)) {
	case FIND_YES:
		action->mail_gid = gid;
		return true;
	case FIND_NO:
		return true;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(&d->answer, "4.3.0", "group lookup error");
}

static bool
set_home_mailbox(
    struct decide *d, const struct ask_user *user, struct action *action)
{
	struct str path = conf_str(d->site->conf, PARAM_home_mailbox);

	while (str_has_prefix(path, STR("/")))
		path = str_from(path, 1);
	if (user->home.len == 0 || user->home.p[0] != '/' || path.len == 0)
		return answer_outcome(&d->answer, "4.3.5",
		    "no home for the mailbox of %.*s", STR_ARG(user->name));
	action->root = user->home;
	action->path = path;
	action->kind =
	    str_has_suffix(path, STR("/")) ? ACTION_MAILDIR : ACTION_MBOX;
	return true;
}

bool
user_add_mailbox(struct decide *d, const struct ask_user *user)
{
	const struct conf *c = d->site->conf;
	struct str command = conf_str(c, PARAM_mailbox_command);
	struct action action = {
	    .uid = user->uid,
	    .gid = user->gid,
	    .user = user->name,
	    .home = user->home,
	    .shell = user->shell,
	    .relay = STR("local"),
	    .limit = (uint64_t)conf_int(c, PARAM_mailbox_size_limit),
	    .time_limit =
		(uint64_t)(conf_time(c, PARAM_command_time_limit) / CLOCK_SEC),
	};

	/* No process here can become one of the system's own users. */
	if ((int64_t)user->uid < conf_int(c, PARAM_virtual_minimum_uid))
		return answer_refuse(&d->answer, "4.3.5",
		    "mail for the system's user %.*s (id %u) needs an alias",
		    STR_ARG(user->name), user->uid);
	if (!check_home(d, user))
		return false;
	if (command.len > 0) {
		if (!user_set_command(d, user, command, &action))
			return false;
	} else if (conf_str(c, PARAM_home_mailbox).len > 0) {
		if (!set_home_mailbox(d, user, &action))
			return false;
	} else if (!set_spool(d, user, &action)) {
		return false;
	}
	answer_add_action(
	    &d->answer, &action, d->addr.text, &d->ask->recipient);
	return true;
}

bool
user_deliver(struct decide *d)
{
	struct ask_user *user = arena_alloc(d->a, sizeof(*user));
	bool has_forward;

	switch (user_find(d, d->user, user)) {
	case FIND_YES:
		return forward_expand(d, user, &has_forward) &&
		       (has_forward || user_add_mailbox(d, user));
	case FIND_NO:
		return answer_refuse(&d->answer, "5.1.1",
		    "unknown user: \"%.*s\"", STR_ARG(d->user));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(&d->answer, "4.3.0", "user lookup error");
}
