/* SPDX-License-Identifier: ISC */
/* sandbox_privs - root, groups, uid, capabilities, limits. */
#include "base/sandbox_impl.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
drop_bounding_set(unsigned keep)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0;
	     cap++) {
		if (cap < 32 && (keep & (1u << cap)) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

int
privs_keep(unsigned caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
	    {.effective = caps, .permitted = caps},
	};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int
sandbox_drop_caps(void)
{
	return privs_keep(0);
}

/* SECURITY: the switch is for good; a way back would be found by others. */
static int
check_switch(const struct sandbox_identity *who)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return -errno;
	if (r != who->uid || e != who->uid || s != who->uid)
		return -EPERM;
	if (rg != who->gid || eg != who->gid || sg != who->gid)
		return -EPERM;
	if ((who->keep_caps & 1u << CAP_SETUID) == 0 &&
	    setresuid(-1, 0, -1) == 0)
		return -EPERM;
	return 0;
}

int
privs_switch(const struct sandbox_identity *who, unsigned for_now)
{
	unsigned keep = who->keep_caps | for_now;
	int r = drop_bounding_set(who->keep_caps);

	if (r < 0)
		return r;
	if (who->uid == 0 || who->gid == 0)
		return -EINVAL;
	if (who->root != NULL && (chroot(who->root) < 0 || chdir("/") < 0))
		return -errno;
	if (setgroups(who->ngroups, who->groups) < 0)
		return -errno;
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return -errno;
	if (keep != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return -errno;
	r = privs_keep(keep);
	if (r < 0)
		return r;
	if (keep != 0 && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	/* setresuid() cleared it, for a uid that differs. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return check_switch(who);
}

static int
set_limit(int which, size_t value)
{
	struct rlimit l;

	if (getrlimit(which, &l) < 0)
		return -errno;
	if (l.rlim_max != RLIM_INFINITY && value > l.rlim_max)
		value = l.rlim_max;
	l.rlim_cur = l.rlim_max = value;
	return setrlimit(which, &l) < 0 ? -errno : 0;
}

int
privs_limit(const struct sandbox *s)
{
	const struct sandbox_limits *l = &s->limits;
	int r = set_limit(RLIMIT_CORE, 0);

#if !defined(__SANITIZE_ADDRESS__)
	if (r == 0 && l->address_space > 0)
		r = set_limit(RLIMIT_AS, l->address_space);
#endif
	if (r == 0 && l->descriptors > 0)
		r = set_limit(RLIMIT_NOFILE, l->descriptors);
	if (r == 0 && l->file_size > 0)
		r = set_limit(RLIMIT_FSIZE, l->file_size);
	return r;
}
