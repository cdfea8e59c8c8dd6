/* SPDX-License-Identifier: ISC */
/* site - the configuration as local uses it.  Owns the tables. */
#include "site.h"

#include "base/log.h"

#include <stdlib.h>

static bool
has_word(struct str list, struct str word)
{
	struct str item;

	while (dict_list_next(&list, &item) == 0 && item.len > 0)
		if (str_eq_case(item, word))
			return true;
	return false;
}

static unsigned
read_origins(const struct conf *c, enum param p)
{
	struct str list = conf_str(c, p);
	unsigned from = 0;

	if (has_word(list, STR("alias")))
		from |= FROM_ALIAS;
	if (has_word(list, STR("forward")))
		from |= FROM_FORWARD;
	if (has_word(list, STR("include")))
		from |= FROM_INCLUDE;
	return from;
}

static struct maps *
open_maps(const struct conf *c, enum param p, const struct dict_env *env,
    struct buf *why)
{
	return maps_open(env, conf_str(c, p), why);
}

static bool
open_tables(struct site *s, const struct dict_env *env, struct buf *why)
{
	const struct conf *c = s->conf;

	return (s->router = router_new(c, env, why)) != NULL &&
	       (s->expansion = expansion_new(c, s->router, env, why)) != NULL &&
	       (s->aliases = open_maps(c, PARAM_alias_maps, env, why)) !=
	           NULL &&
	       (s->mailboxes = open_maps(
		    c, PARAM_virtual_mailbox_maps, env, why)) != NULL &&
	       (s->uids = open_maps(c, PARAM_virtual_uid_maps, env, why)) !=
	           NULL &&
	       (s->gids = open_maps(c, PARAM_virtual_gid_maps, env, why)) !=
	           NULL;
}

struct site *
site_new(const struct conf *c, const struct dict_env *env,
    const struct world *w, struct buf *why)
{
	struct str marks = conf_str(c, PARAM_prepend_delivered_header);
	struct site *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for the configuration");
	s->conf = c;
	s->world = *w;
	s->rewrite = rewrite_of(c);
	s->commands_from = read_origins(c, PARAM_allow_mail_to_commands);
	s->files_from = read_origins(c, PARAM_allow_mail_to_files);
	s->marks_commands = has_word(marks, STR("command"));
	s->marks_files = has_word(marks, STR("file"));
	s->marks_forwards = has_word(marks, STR("forward"));
	if (!open_tables(s, env, why))
		site_free(&s);
	return s;
}

void
site_free(struct site **s)
{
	if (*s == NULL)
		return;
	if ((*s)->aliases != NULL)
		maps_free(&(*s)->aliases);
	if ((*s)->mailboxes != NULL)
		maps_free(&(*s)->mailboxes);
	if ((*s)->uids != NULL)
		maps_free(&(*s)->uids);
	if ((*s)->gids != NULL)
		maps_free(&(*s)->gids);
	expansion_free(&(*s)->expansion);
	router_free(&(*s)->router);
	free(*s);
	*s = NULL;
}
