/* SPDX-License-Identifier: ISC */
/*
 * keyring - what keys is handed: whose keys are where, and the files.  They
 * are opened here because root alone can, and never read.  (A text that names
 * such files, tls_server_sni_maps, is: to know them.)
 */
#include "keyring.h"

#include "base/log.h"
#include "dict/dict.h"
#include "mail/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX (16 * 1024 * 1024)
#define OWN_FILE   "self-signed.pem"
#define WHY_MAX    4096

/* In the row of `s`, whose configuration is `c`, if it is one that speaks
 * TLS. */
void
keyring_add(struct plan *p, const struct service *s, const struct conf *c)
{
	bool is_server = s->program->users == USER_SMTPD;
	struct keys_service *row = p->keyring.p;
	struct str client;

	if (!is_server && s->program->users != USER_SMTP)
		return;
	if (row == NULL)
		row = p->keyring.p =
		    arena_array(&p->arena, KEYS_SERVICES_MAX, sizeof(*row));
	if (p->keyring.n == KEYS_SERVICES_MAX)
		return;
	client = keyring_client(s, &p->arena);
	key_files_of(c, is_server ? KEYS_SERVER : KEYS_CLIENT, client,
	    &p->arena, &row[p->keyring.n++]);
}

/* SECURITY: services of different programs may have the same name. */
struct str
keyring_client(const struct service *s, struct arena *a)
{
	return arena_strf(a, "%s/%.*s", s->program->name, STR_ARG(s->name));
}

bool
keyring_config(const struct plan *p, struct buf *ret)
{
	struct keys_config config = {
	    .hostname = conf_str(p->conf, PARAM_myhostname),
	    .default_type = conf_str(p->conf, PARAM_default_database_type),
	    .services = p->keyring,
	};

	buf_init(ret, CONFIG_MAX);
	return shape_encode(&keys_config_shape, &config, ret) == 0;
}

struct walk {
	void (*each)(void *arg, struct str name);
	void *arg;
};

/* What postmap -F did not make: paths. */
static void
add_value(void *arg, struct str key, struct str value)
{
	const struct walk *w = arg;
	struct str path;

	(void)key;
	if (!str_has_prefix(value, STR("/")))
		return;
	while ((path = str_word(&value, ", \t\r\n")).len > 0)
		w->each(w->arg, path);
}

static void
add_name(void *arg, struct str name)
{
	BUF_CLEANUP struct buf why = {0};
	struct walk *w = arg;
	struct dict *d;

	w->each(w->arg, name);
	if (!str_has_prefix(name, STR("texthash:")) &&
	    !str_has_prefix(name, STR("inline:")))
		return;
	buf_init(&why, WHY_MAX);
	/* One that cannot be read is keys's to complain of. */
	d = dict_open(&dict_env_tool, name, &why);
	if (d != NULL)
		(void)dict_each(d, add_value, w);
	dict_free(&d);
}

void
keyring_each_file(
    const struct plan *p, void (*each)(void *arg, struct str name), void *arg)
{
	const struct keys_service *row = p->keyring.p;
	struct walk w = {each, arg};

	for (size_t i = 0; i < p->keyring.n; i++)
		key_files_each(&row[i], add_name, &w);
}

static bool
needs_own(const struct plan *p)
{
	const struct keys_service *row = p->keyring.p;

	for (size_t i = 0; i < p->keyring.n; i++)
		if (row[i].own)
			return true;
	return false;
}

/* SECURITY: whoever else could write it, or has another name for it, could
 * have put a key of his there. */
static int
check_own(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_nlink != 1 || (st.st_mode & 077) != 0)
		return -EPERM;
	return 0;
}

/* data_directory is nobody's but ours (place_open). */
int
keyring_open_own(const struct plan *p)
{
	struct str dir = conf_str(p->conf, PARAM_data_directory);
	char path[KEYS_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s/%s", STR_ARG(dir), OWN_FILE);
	int fd, e;

	if (!needs_own(p) || n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	fd = open(
	    path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	e = fd < 0 ? -errno : check_own(fd);
	if (e == 0)
		return fd;
	log_warning("%s: %s: it must be a file of user %u, mode 0600, with "
		    "one name",
	    path, strerror(-e), geteuid());
	if (fd >= 0)
		close(fd);
	return e;
}
