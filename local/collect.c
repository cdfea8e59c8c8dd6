/* SPDX-License-Identifier: ISC */
/*
 * collect - puts the targets of an alias, a .forward or an :include: file
 * into the answer, each with the rights of who named it.
 */
#include "decide.h"

/* SECURITY: no component of a path leads up. */
static bool
leads_up(struct str path)
{
	struct str part;

	while (path.len > 0) {
		str_cut(path, '/', &part, &path);
		if (str_eq(part, STR("..")))
			return true;
	}
	return false;
}

static struct str
get_dir(struct str path)
{
	ptrdiff_t slash = str_find_last(path, '/');

	return slash <= 0 ? STR("/") : str_sub(path, 0, (size_t)slash);
}

static const struct ask_user *
get_rights(struct decide *d, const struct naming *n, struct ask_user *room)
{
	if (n->as != NULL)
		return n->as;
	return user_default(d, room) ? room : NULL;
}

static struct action
make_action(struct decide *d, const struct ask_user *as)
{
	return (struct action){
	    .uid = as->uid,
	    .gid = as->gid,
	    .user = as->name,
	    .home = as->home,
	    .shell = as->shell,
	    .relay = STR("local"),
	    .limit =
		(uint64_t)conf_int(d->site->conf, PARAM_mailbox_size_limit),
	    .time_limit =
		(uint64_t)(conf_time(d->site->conf, PARAM_command_time_limit) /
			   CLOCK_SEC),
	};
}

static bool
add_command(struct decide *d, const struct naming *n, struct str text)
{
	const struct ask_user *as;
	struct ask_user room;
	struct action action;

	if ((d->site->commands_from & n->origin) == 0 || n->addresses_only)
		return answer_refuse(&d->answer, "5.7.1",
		    "mail to command is restricted: for %.*s",
		    STR_ARG(d->addr.text));
	as = get_rights(d, n, &room);
	if (as == NULL)
		return false;
	action = make_action(d, as);
	if (!user_set_command(d, as, text, &action))
		return false;
	answer_add_action(
	    &d->answer, &action, d->addr.text, &d->ask->recipient);
	return true;
}

static bool
add_file(struct decide *d, const struct naming *n, struct str path)
{
	const struct ask_user *as;
	struct ask_user room;
	struct action action;

	if ((d->site->files_from & n->origin) == 0 || n->addresses_only)
		return answer_refuse(&d->answer, "5.7.1",
		    "mail to file is restricted: for %.*s",
		    STR_ARG(d->addr.text));
	if (leads_up(path))
		return answer_refuse(&d->answer, "5.7.1",
		    "bad path for mail: \"%.*s\"", STR_ARG(path));
	if (str_eq(path, STR("/dev/null"))) {
		d->answer.is_discarded = true;
		return true;
	}
	as = get_rights(d, n, &room);
	if (as == NULL)
		return false;
	action = make_action(d, as);
	action.kind =
	    path.p[path.len - 1] == '/' ? ACTION_MAILDIR : ACTION_FILE;
	action.root = get_dir(str_has_suffix(path, STR("/"))
				  ? str_sub(path, 0, path.len - 1)
				  : path);
	action.path = path;
	answer_add_action(
	    &d->answer, &action, d->addr.text, &d->ask->recipient);
	return true;
}

/* "\user": his mailbox, whatever aliases and his .forward say. */
static bool
add_user(struct decide *d, struct str name)
{
	struct str user, extension;
	struct ask_user found;

	addr_split_ext(arena_lower(d->a, name),
	    conf_str(d->site->conf, PARAM_recipient_delimiter), &user,
	    &extension);
	switch (user_find(d, user, &found)) {
	case FIND_YES:
		return user_add_mailbox(d, &found);
	case FIND_NO:
		return answer_refuse(&d->answer, "5.1.1",
		    "unknown user: \"%.*s\"", STR_ARG(name));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(
	    &d->answer, "4.3.0", "user lookup error for %.*s", STR_ARG(name));
}

static void
add_each(void *arg, struct addr addr)
{
	struct decide *d = arg;

	answer_add_address(&d->answer, addr, &d->ask->recipient);
}

/* Does `addr` name who named it?  "joe: joe, joe@elsewhere". */
static bool
is_self(struct decide *d, const struct naming *n, struct addr addr)
{
	struct route route;
	struct str user, extension;

	addr_split_ext(addr.local,
	    conf_str(d->site->conf, PARAM_recipient_delimiter), &user,
	    &extension);
	if (n->self.len == 0 ||
	    (!str_eq_case(addr.local, n->self) &&
		!(n->self_is_user && str_eq_case(user, n->self))))
		return false;
	return router_route(d->site->router, addr, d->sender, d->a, &route) ==
	           FIND_YES &&
	       str_eq(route.transport, d->ask->transport);
}

static bool
add_address(struct decide *d, const struct naming *n, struct str text)
{
	const char *why;
	struct addr addr;

	if (arena_left(d->a) < 2 * ASK_ROOM)
		return answer_outcome(&d->answer, "4.3.0",
		    "more members than there is memory for");
	if (addr_parse(text, &addr) != 0)
		return answer_refuse(&d->answer, "5.1.3",
		    "bad address syntax: \"%.*s\"", STR_ARG(text));
	addr = rewrite_addr(&d->site->rewrite, addr, d->a);
	if (is_self(d, n, addr))
		return n->self_is_user ? user_add_mailbox(d, n->as)
		                       : user_deliver(d);
	switch (expansion_run(d->site->expansion, addr, add_each, d, &why)) {
	case FIND_YES:
	case FIND_NO:
		return true;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(&d->answer, "4.3.0", "%s", why);
}

/* The text of an :include: file, as who named it. */
static bool
read_include(struct decide *d, const struct naming *n, struct str path,
    struct str *ret_text, bool *ret_found)
{
	const struct ask_user *as;
	struct ask_user room;
	struct world_file file = {.path = path, .root = get_dir(path)};
	struct str why = STR_NONE;

	*ret_found = false;
	if (leads_up(path))
		return answer_refuse(&d->answer, "5.7.1",
		    "bad path after :include: \"%.*s\"", STR_ARG(path));
	as = get_rights(d, n, &room);
	if (as == NULL)
		return false;
	file.uid = as->uid;
	file.gid = as->gid;
	file.user = as->name;
	/* The file of an alias is whoever's the alias says. */
	file.any_owner = n->as == NULL;
	switch (d->site->world.read(
	    d->site->world.arg, &file, d->a, ret_text, &why)) {
	case FIND_YES:
		*ret_found = true;
		return true;
	case FIND_NO:
		why = STR("no such file");
		break;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	/* Somebody will mend it: members must not hear of bounces. */
	return answer_outcome(&d->answer, "4.3.5",
	    "cannot read include file %.*s: %.*s", STR_ARG(path), STR_ARG(why));
}

static bool
add_include(struct decide *d, const struct naming *n, struct str path)
{
	struct naming inner = *n;
	struct targets t = {0};
	bool is_found;
	struct str text;
	const char *why;

	if (n->includes >= DECIDE_INCLUDES)
		return answer_outcome(&d->answer, "4.3.5",
		    "include files in include files, at %.*s", STR_ARG(path));
	if (!read_include(d, n, path, &text, &is_found))
		return false;
	if (!is_found)
		return true;
	inner.origin = FROM_INCLUDE;
	inner.includes++;
	if (targets_parse_file(&t, text, n->max, d->a, &why) != 0)
		return answer_outcome(&d->answer, "4.3.5",
		    "include file %.*s: %s", STR_ARG(path), why);
	return collect_targets(d, &inner, &t);
}

static bool
collect_one(
    struct decide *d, const struct naming *n, const struct target *target)
{
	switch (target->kind) {
	case TARGET_ADDRESS:
		return add_address(d, n, target->text);
	case TARGET_USER:
		return add_user(d, target->text);
	case TARGET_COMMAND:
		return add_command(d, n, target->text);
	case TARGET_FILE:
		return add_file(d, n, target->text);
	case TARGET_INCLUDE:
		return add_include(d, n, target->text);
	}
	return false;
}

bool
collect_targets(
    struct decide *d, const struct naming *n, const struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (++d->targets > n->max)
			return answer_outcome(&d->answer, "4.3.5",
			    "more than %zu members for %.*s", n->max,
			    STR_ARG(d->addr.text));
		if (!collect_one(d, n, &t->list[i]))
			return false;
	}
	return true;
}
