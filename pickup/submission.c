/* SPDX-License-Identifier: ISC */
/* submission - a local user's message.  Owns nothing. */
#include "submission.h"

#include "base/log.h"
#include "mail/ask.h"

#include <errno.h>
#include <sysexits.h>

static struct submit_done
say(int exit_code, struct str text)
{
	return (struct submit_done){
	    .exit_code = (uint64_t)exit_code,
	    .id = STR_NONE,
	    .text = text,
	};
}

/*
 * The user behind the uid.  One without an entry may send too: it happens in
 * containers, and its uid is in the log and in the trace line.
 */
static enum find
find_user(
    const struct pickup *p, uid_t uid, struct arena *a, struct ask_user *ret)
{
	enum find found = ask_user_by_uid(p->lookup, uid, a, ret);

	if (found != FIND_NO)
		return found;
	*ret = (struct ask_user){
	    .name = arena_strf(a, "uid%u", uid),
	    .uid = uid,
	    .gecos = STR_NONE,
	};
	return FIND_YES;
}

/* The name in a gecos field: up to a comma, '&' for the login name. */
static struct str
full_name(const struct ask_user *user, struct arena *a)
{
	struct str gecos, head, tail;
	char *login;

	str_cut(user->gecos, ',', &gecos, NULL);
	if (!str_cut(gecos, '&', &head, &tail) || user->name.len == 0)
		return gecos;
	login = arena_cstr(a, user->name);
	login[0] = str_upper_char(login[0]);
	return arena_join(
	    a, head, arena_join(a, str_n(login, user->name.len), tail));
}

static int
find_sender(const struct submit_message *m, const struct ask_user *user,
    struct addr *ret)
{
	if (m->null_sender)
		return addr_parse(STR_NONE, ret);
	return addr_parse(m->sender.len > 0 ? m->sender : user->name, ret);
}

static struct str
add_recipients(
    struct intake *t, const struct submit_message *m, struct arena *a)
{
	const struct recipient *r = m->recipients.p;

	for (size_t i = 0; i < m->recipients.n; i++) {
		struct recipient one = r[i];
		int e;

		one.action = (struct rows){NULL, 0}; /* SECURITY: not theirs */
		e = intake_recipient(t, &one);
		if (e == -EINVAL)
			return arena_strf(a, "bad recipient address: %.*s",
			    STR_ARG(one.address));
		if (e < 0)
			return STR("too many recipients");
	}
	return STR_NONE;
}

static struct intake *
begin(const struct pickup *p, const struct submission *s,
    const struct ask_user *user, struct addr sender, struct arena *a)
{
	const struct submit_message *m = s->message;
	struct intake_origin origin = {
	    .client = STR_NONE,
	    .client_name = STR_NONE,
	    .client_addr = STR_NONE,
	    .helo = STR_NONE,
	    .proto = STR_NONE,
	    .login = STR_NONE,
	    .uid = s->uid,
	    .is_local_header = true,
	    .extract_recipients = m->extract,
	    .full_name =
		m->full_name.len > 0 ? m->full_name : full_name(user, a),
	    .envid = m->envid,
	    .ret = m->ret,
	    .notify = m->notify,
	    .body_8bit = m->body_8bit,
	};
	struct intake *t = intake_begin(p->taker, &origin);

	intake_sender(t, sender);
	log_info("%.*s: uid=%u from=<%.*s>", STR_ARG(intake_id(t)), s->uid,
	    STR_ARG(sender.text));
	return t;
}

static int
exit_code(enum intake_result result)
{
	switch (result) {
	case INTAKE_QUEUED:
		return EX_OK;
	case INTAKE_REFUSED:
		return EX_DATAERR;
	case INTAKE_RETRY:
		break;
	}
	return EX_TEMPFAIL;
}

static struct submit_done
finish(struct intake *t, const struct submission *s, struct arena *a)
{
	struct submit_done done;
	struct str dsn, text;
	enum intake_result result;
	int r = s->feed(s->source, t);

	/* The intake's own errors are said by commit. */
	if (r < 0)
		return say(EX_TEMPFAIL, STR("content cannot be read"));
	result = intake_commit(t, &dsn, &text);
	done = say(exit_code(result), STR_NONE);
	done.id = arena_str(a, intake_id(t));
	if (result != INTAKE_QUEUED)
		done.text =
		    arena_strf(a, "%.*s %.*s", STR_ARG(dsn), STR_ARG(text));
	return done;
}

enum find
submission_sender(const struct pickup *p, uid_t uid,
    const struct submit_message *m, struct arena *a, struct addr *ret)
{
	struct ask_user user;
	enum find found = find_user(p, uid, a, &user);

	if (found != FIND_YES)
		return found;
	return find_sender(m, &user, ret) < 0 ? FIND_BROKEN : FIND_YES;
}

struct submit_done
submission_take(
    const struct pickup *p, const struct submission *s, struct arena *a)
{
	struct submit_done done;
	struct ask_user user;
	struct addr sender;
	struct intake *t;
	struct str bad;

	if (find_user(p, s->uid, a, &user) != FIND_YES)
		return say(EX_TEMPFAIL, STR("your user cannot be looked up"));
	switch (match_domain(p->allowed, user.name, a)) {
	case FIND_YES:
		break;
	case FIND_NO:
		return say(EX_NOPERM,
		    arena_strf(a, "User %.*s(%u) is not allowed to submit mail",
			STR_ARG(user.name), s->uid));
	case FIND_RETRY:
	case FIND_BROKEN:
		return say(EX_TEMPFAIL,
		    STR("authorized_submit_users cannot be asked"));
	}
	if (find_sender(s->message, &user, &sender) < 0)
		return say(EX_DATAERR, STR("bad sender address"));
	t = begin(p, s, &user, sender, a);
	bad = add_recipients(t, s->message, a);
	done = bad.len > 0 ? say(EX_DATAERR, bad) : finish(t, s, a);
	intake_end(&t);
	return done;
}
