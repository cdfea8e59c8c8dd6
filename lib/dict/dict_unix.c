/* SPDX-License-Identifier: ISC */
/*
 * dict_unix - the system's users and groups: unix:passwd.byname and
 * unix:group.byname, answered as lines of those files.  The look-up may
 * block, so it is the environment's: in a program the one called lookup does
 * it, in a tool libc.
 */
#include "dict/dict_type.h"

#include "base/log.h"

#include <stdlib.h>

struct asked {
	const struct dict_env *env;
	const char *database;
};

static bool
open_unix(struct dict *d, const struct dict_opening *o)
{
	const char *const databases[] = {"passwd.byname", "group.byname"};
	struct asked *t;

	if (o->env->lookup == NULL) {
		buf_addf(o->why, "%.*s: cannot be asked from here",
		    STR_ARG(o->spec));
		return false;
	}
	for (size_t i = 0; i < 2; i++) {
		if (!str_eq(o->name, str_c(databases[i])))
			continue;
		d->state = t = malloc(sizeof(*t));
		if (t == NULL)
			log_fatal("out of memory for a table");
		*t = (struct asked){o->env, databases[i]};
		return true;
	}
	buf_addf(o->why, "%.*s: need passwd.byname or group.byname",
	    STR_ARG(o->spec));
	return false;
}

static void
free_unix(struct dict *d)
{
	free(d->state);
}

static enum find
get_unix(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	const struct asked *t = d->state;

	return t->env->lookup(
	    t->env->arg, str_c(t->database), key, a, ret_value);
}

const struct dict_type dict_type_unix = {
    .name = "unix",
    .folds = true,
    .open = open_unix,
    .get = get_unix,
    .free = free_unix,
};
