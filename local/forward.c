/* SPDX-License-Identifier: ISC */
/*
 * forward - a user's .forward, the first of forward_path that is there.  A
 * child of mda's that is the user reads it; one that others may write to is
 * not followed, and mail waits until that is mended.
 */
#include "decide.h"

static bool
is_path_safe(struct str s)
{
	/* SECURITY: an extension is what anybody wrote in an address. */
	if (str_find_str(s, STR("/../")) >= 0 || str_has_suffix(s, STR("/..")))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0 && s.p[0] == '/';
}

static bool
make_path(struct decide *d, const struct ask_user *user, struct str text,
    struct str *ret)
{
	return user_expand(d, user, text, ret) && is_path_safe(*ret);
}

static struct str
get_root(const struct ask_user *user, struct str path)
{
	struct str home = user->home;
	ptrdiff_t slash = str_find_last(path, '/');

	if (home.len > 1 && str_has_prefix(path, home) && path.len > home.len &&
	    path.p[home.len] == '/')
		return home;
	return slash <= 0 ? STR("/") : str_sub(path, 0, (size_t)slash);
}

static bool
follow(struct decide *d, const struct ask_user *user, struct str path,
    struct str text, bool *ret_found)
{
	const struct naming n = {
	    .origin = FROM_FORWARD,
	    .as = user,
	    .self = user->name,
	    .self_is_user = true,
	    .max = DECIDE_FORWARDS,
	};
	struct targets t = {0};
	const char *why;

	if (targets_parse_file(&t, text, DECIDE_FORWARDS, d->a, &why) != 0)
		return answer_outcome(
		    &d->answer, "4.3.5", "%.*s: %s", STR_ARG(path), why);
	*ret_found = t.n > 0;
	d->targets = 0;
	return collect_targets(d, &n, &t);
}

static bool
try(struct decide *d, const struct ask_user *user, struct str path,
    bool *ret_found)
{
	const struct world_file file = {
	    .uid = user->uid,
	    .gid = user->gid,
	    .user = user->name,
	    .root = get_root(user, path),
	    .path = path,
	    .check_dir = true,
	};
	struct str text, why = STR_NONE;

	switch (
	    d->site->world.read(d->site->world.arg, &file, d->a, &text, &why)) {
	case FIND_YES:
		return follow(d, user, path, text, ret_found);
	case FIND_NO:
		return true;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(&d->answer, "4.3.0", "cannot use %.*s: %.*s",
	    STR_ARG(path), STR_ARG(why));
}

bool
forward_expand(struct decide *d, const struct ask_user *user, bool *ret_found)
{
	struct str list = conf_str(d->site->conf, PARAM_forward_path);
	struct str item, path;

	*ret_found = false;
	/* No process here can become one of the system's own users. */
	if ((int64_t)user->uid <
	    conf_int(d->site->conf, PARAM_virtual_minimum_uid))
		return true;
	if (arena_left(d->a) < 4 * ASK_ROOM)
		return answer_outcome(
		    &d->answer, "4.3.0", "no memory for a .forward");
	while (!*ret_found) {
		item = str_word(&list, ", \t\r\n");
		if (item.len == 0)
			return true;
		if (make_path(d, user, item, &path) &&
		    !try(d, user, path, ret_found))
			return false;
	}
	return true;
}
