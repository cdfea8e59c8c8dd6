/* SPDX-License-Identifier: ISC */
/* serve_args - the identity of a program, from its arguments. */
#include "base/serve_args.h"

#include "base/str.h"

#include <errno.h>
#include <unistd.h>

static int
parse_id(const char *text, uint64_t max, uint64_t *ret)
{
	return str_parse_u64(str_c(text), max, ret) < 0 ? -EINVAL : 0;
}

static int
add_group(struct sandbox_identity *who, uint64_t gid)
{
	if (who->ngroups == SANDBOX_GROUPS)
		return -EINVAL;
	who->groups[who->ngroups++] = (gid_t)gid;
	return 0;
}

static int
refuse(struct sandbox_identity *who, uint64_t uid)
{
	if (who->nrefused == SANDBOX_REFUSED)
		return -EINVAL;
	who->refused[who->nrefused++] = (uid_t)uid;
	return 0;
}

static int
add_dir(struct serve_args *a, const char *name)
{
	size_t i = a->who.ndir_fds;

	if (i == SERVE_DIRS)
		return -EINVAL;
	a->dirs[i] = name;
	a->fds[i] = SERVE_DIR_FD + (int)i;
	a->who.ndir_fds = i + 1;
	return 0;
}

static int
take_option(struct serve_args *a, int option, const char *text)
{
	struct sandbox_identity *who = &a->who;
	uint64_t n = 0;

	if (option == 'r') {
		who->root = text;
		return 0;
	}
	if (option == 'd')
		return add_dir(a, text);
	/* -1 means no id at all, and is none. */
	if (parse_id(text, UINT32_MAX - 1, &n) < 0)
		return -EINVAL;
	switch (option) {
	case 'u':
		who->uid = (uid_t)n;
		who->switch_user = true;
		return 0;
	case 'g':
		who->gid = (gid_t)n;
		return 0;
	case 'G':
		return add_group(who, n);
	case 'x':
		return refuse(who, n);
	case 'k':
		who->keep_caps = (unsigned)n;
		return 0;
	case 'm':
		who->min_uid = (uid_t)n;
		return 0;
	}
	return -EINVAL;
}

int
serve_args_parse(struct serve_args *a, int argc, char **argv)
{
	int option;

	*a = (struct serve_args){0};
	a->who.dir_fds = a->fds;
	opterr = 0;
	while ((option = getopt(argc, argv, "u:g:G:r:k:m:x:d:")) != -1)
		if (take_option(a, option, optarg) < 0)
			return -EINVAL;
	return optind == argc ? 0 : -EINVAL;
}
