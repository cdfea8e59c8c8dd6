/* SPDX-License-Identifier: ISC */
/*
 * virtual - transport virtual: addresses of virtual_mailbox_domains, in
 * mailboxes that no login of this host owns.
 */
#include "decide.h"

/* SECURITY: a table of patterns may have put a client's text into a path. */
static bool
is_path_safe(struct str s)
{
	struct str part;

	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	while (s.len > 0) {
		str_cut(s, '/', &part, &s);
		if (str_eq(part, STR("..")))
			return false;
	}
	return true;
}

static bool
find_id(struct decide *d, struct maps *m, const char *table, int64_t min,
    uint64_t *ret)
{
	struct str value = STR_NONE;

	switch (address_lookup(d->site->router, m, d->addr, d->a, &value)) {
	case FIND_YES:
		if (str_parse_u64(value, UINT32_MAX - 1, ret) == 0 &&
		    (int64_t)*ret >= min)
			return true;
		return answer_outcome(&d->answer, "4.3.5",
		    "bad value \"%.*s\" for %.*s in %s",
		    STR_ARG(str_sub(value, 0, 100)), STR_ARG(d->addr.text),
		    table);
	case FIND_NO:
		return answer_outcome(&d->answer, "4.3.5",
		    "%.*s not found in %s", STR_ARG(d->addr.text), table);
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(&d->answer, "4.3.0", "%s lookup failure", table);
}

static bool
set_ids(struct decide *d, struct action *action)
{
	int64_t min = conf_int(d->site->conf, PARAM_virtual_minimum_uid);

	return find_id(
		   d, d->site->uids, "virtual_uid_maps", min, &action->uid) &&
	       find_id(d, d->site->gids, "virtual_gid_maps", 1, &action->gid);
}

static bool
set_path(struct decide *d, struct str mailbox, struct action *action)
{
	struct str base = conf_str(d->site->conf, PARAM_virtual_mailbox_base);
	struct str whole, dir;
	ptrdiff_t slash;

	if (!is_path_safe(mailbox) || str_trim(mailbox).len == 0)
		return answer_outcome(&d->answer, "5.1.3",
		    "bad mailbox name for \"%.*s\"", STR_ARG(d->addr.text));
	action->kind =
	    str_has_suffix(mailbox, STR("/")) ? ACTION_MAILDIR : ACTION_MBOX;
	while (base.len > 1 && base.p[base.len - 1] == '/')
		base.len--;
	if (base.len > 0) {
		while (str_has_prefix(mailbox, STR("/")))
			mailbox = str_from(mailbox, 1);
		action->root = base;
		action->path = mailbox;
		return mailbox.len > 0 || answer_outcome(&d->answer, "4.3.5",
					      "no mailbox name for \"%.*s\"",
					      STR_ARG(d->addr.text));
	}
	/* Without a base a mailbox is named from the root on. */
	whole = mailbox;
	while (whole.len > 1 && whole.p[whole.len - 1] == '/')
		whole.len--;
	slash = str_find_last(whole, '/');
	dir = slash <= 0 ? STR("/") : str_sub(whole, 0, (size_t)slash);
	if (mailbox.p[0] != '/')
		return answer_outcome(&d->answer, "4.3.5",
		    "virtual_mailbox_base is empty, and the mailbox of "
		    "\"%.*s\" not absolute",
		    STR_ARG(d->addr.text));
	action->root = dir;
	action->path = mailbox;
	return true;
}

static bool
find_mailbox(struct decide *d, struct action *action)
{
	struct str mailbox;

	switch (address_lookup(
	    d->site->router, d->site->mailboxes, d->addr, d->a, &mailbox)) {
	case FIND_YES:
		return set_path(d, mailbox, action) && set_ids(d, action);
	case FIND_NO:
		return answer_outcome(&d->answer, "5.1.1",
		    "unknown user: \"%.*s\"", STR_ARG(d->addr.text));
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(
	    &d->answer, "4.3.0", "virtual_mailbox_maps lookup failure");
}

void
decide_virtual(struct site *s, const struct expand_ask *ask, struct arena *a,
    struct expand_answer *ret)
{
	struct decide d = {.site = s, .ask = ask, .a = a};
	struct action *action = arena_alloc(a, sizeof(*action));

	answer_init(&d.answer, a);
	*action = (struct action){
	    .user = ask->recipient.address,
	    .home = conf_str(s->conf, PARAM_virtual_mailbox_base),
	    .relay = STR("virtual"),
	    .limit = (uint64_t)conf_int(s->conf, PARAM_virtual_mailbox_limit),
	};
	if (addr_parse(ask->recipient.address, &d.addr) != 0 ||
	    addr_is_null(d.addr)) {
		answer_outcome(&d.answer, "5.1.3", "bad address syntax");
	} else if (decide_no_loop(&d) && find_mailbox(&d, action)) {
		d.answer.value.verdict = EXPAND_DELIVER;
		d.answer.value.actions = (struct rows){action, 1};
		d.answer.value.delivered_to = d.addr.text;
	}
	*ret = d.answer.value;
	answer_done(&d.answer);
}
