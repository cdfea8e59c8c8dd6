/* SPDX-License-Identifier: ISC */
/* sandbox - the order in which a program gives up what it does not need. */
#include "base/sandbox.h"

#include "base/sandbox_impl.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>

/* Its children become users and may run their commands. */
static bool
is_broker(const struct sandbox *s)
{
	unsigned both = SANDBOX_SETID | SANDBOX_EXEC;

	return (s->calls & both) == both;
}

static int
confine(const struct sandbox *s, const struct sandbox_identity *who,
    const struct sandbox_filter *filter, const char **ret_step)
{
	int r;

	*ret_step = "landlock";
	if (!is_broker(s)) {
		r = landlock_enter(s->chroot ? LANDLOCK_DIRS : LANDLOCK_READ,
		    (s->calls & (SANDBOX_INET | SANDBOX_NSS)) != 0,
		    who->dir_fds, who->ndir_fds);
		if (r < 0)
			return r;
	}
	*ret_step = "limits";
	r = privs_limit(s);
	if (r < 0)
		return r;
	*ret_step = "seccomp";
	return filter != NULL ? seccomp_install(filter) : seccomp_enter(s, who);
}

static int
forbid_new_privs(const char **ret_step)
{
	*ret_step = "no_new_privs";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int
sandbox_confine(const struct sandbox *s, const struct sandbox_filter *filter,
    const int *dir_fds, size_t ndir_fds, const char **ret_step)
{
	struct sandbox_identity who = {
	    .dir_fds = dir_fds, .ndir_fds = ndir_fds};
	int r = forbid_new_privs(ret_step);

	return r < 0 ? r : confine(s, &who, filter, ret_step);
}

int
sandbox_enter(const struct sandbox *s, const struct sandbox_identity *who,
    const char **ret_step)
{
	/* A filter without no_new_privs asks for CAP_SYS_ADMIN. */
	bool is_lasting = who->switch_user && is_broker(s);
	unsigned for_now = is_lasting ? 1u << CAP_SYS_ADMIN : 0;
	int r;

	*ret_step = "dumpable";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "privileges";
	if (who->switch_user) {
		r = privs_switch(who, for_now);
		if (r < 0)
			return r;
	}
	if (!is_lasting) {
		r = forbid_new_privs(ret_step);
		if (r < 0)
			return r;
	}
	r = confine(s, who, NULL, ret_step);
	if (r < 0 || !is_lasting)
		return r;
	*ret_step = "capabilities";
	return privs_keep(who->keep_caps);
}
