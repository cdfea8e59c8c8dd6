/* SPDX-License-Identifier: ISC */
/* who - the users that the programs run as, when the suite runs as root. */
#include "master.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>

#define MAIL_OWNERS 2
#define MAKE_ONE                                                               \
	"useradd --system --user-group --no-create-home --home-dir "           \
	"/nonexistent --shell /usr/sbin/nologin"

int
who_find(const struct program_row *program, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *pw = getpwnam(program->user);

	if (pw == NULL)
		return -ENOENT;
	/* SECURITY: a user of ours that is root would be no user of ours. */
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return -EPERM;
	*ret_uid = pw->pw_uid;
	*ret_gid = pw->pw_gid;
	return 0;
}

int
who_check(const struct master *m)
{
	uid_t uid;
	gid_t gid;
	int r = 0;

	if (!m->is_root)
		return 0;
	for (size_t i = 0; i < PROGRAMS; i++) {
		int found = who_find(&programs[i], &uid, &gid);

		if (found == -EPERM)
			log_error("user %s has the uid or group of root",
			    programs[i].user);
		else if (found < 0)
			log_error("there is no user %s: %s %s",
			    programs[i].user, MAKE_ONE, programs[i].user);
		if (found < 0)
			r = found;
	}
	if (r == -ENOENT)
		log_error("this makes all users: systemd-sysusers %s",
		    VALIJA_SYSUSERS);
	return r;
}

/* The groups through which other software shares sockets with us. */
static void
add_mail_groups(const struct conf *c, struct sandbox_identity *who)
{
	struct str owner = conf_str(c, PARAM_mail_owner);
	const char *names[MAIL_OWNERS] = {"postfix", "valija"};
	char name[65] = "";
	const struct passwd *pw = NULL;
	int n = SANDBOX_GROUPS;

	if (owner.len > 0 && owner.len < sizeof(name)) {
		memcpy(name, owner.p, owner.len);
		names[0] = names[1] = name;
	}
	for (size_t i = 0; pw == NULL && i < MAIL_OWNERS; i++)
		pw = getpwnam(names[i]);
	if (pw == NULL || pw->pw_gid == 0)
		return;
	if (getgrouplist(pw->pw_name, pw->pw_gid, who->groups, &n) < 0)
		n = SANDBOX_GROUPS;
	who->ngroups = (size_t)n;
}

static void
add_group(const char *name, struct sandbox_identity *who)
{
	const struct group *g = name == NULL ? NULL : getgrnam(name);

	if (g != NULL && g->gr_gid != 0 && who->ngroups < SANDBOX_GROUPS)
		who->groups[who->ngroups++] = g->gr_gid;
}

int
who_is(const struct master *m, const struct service *s,
    struct sandbox_identity *ret)
{
	*ret = (struct sandbox_identity){.switch_user = m->is_root};
	if (!m->is_root)
		return 0;
	if (s->program->has_mail_group)
		add_mail_groups(s->plan->conf, ret);
	add_group(s->program->group, ret);
	ret->keep_caps = s->program->keep_caps;
	/* A container may have none to give: keys does without, and says so. */
	if (prctl(PR_CAPBSET_READ, CAP_IPC_LOCK, 0, 0, 0) != 1)
		ret->keep_caps &= ~(1u << CAP_IPC_LOCK);
	if ((ret->keep_caps & 1u << CAP_SETUID) != 0)
		ret->min_uid =
		    (uid_t)conf_int(s->plan->conf, PARAM_virtual_minimum_uid);
	return who_find(s->program, &ret->uid, &ret->gid);
}
