/* SPDX-License-Identifier: ISC */
/*
 * postkick - "postkick public qmgr D": has the queue tried now, as scripts for
 * Postfix ask it to.  The other public services of Postfix, and the private
 * ones of master.cf, are there to be kicked, and have nothing to do.
 * postkick(1).
 */
#include "inquiry.h"
#include "say.h"

#include "mail/master_cf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct postkick {
	const char *conf_dir;
	struct conf *conf;
	const char *class, *service, *request;
};

static void
flush(struct chan *c)
{
	const struct admin_flush all = {STR_NONE, STR_NONE};
	BUF_CLEANUP struct buf why = {0};
	struct parcel answer;

	buf_init(&why, 4096);
	if (inquiry_call(c, ADMIN_FLUSH, &all, ADMIN_DONE, &answer, &why) < 0)
		say_fatal(EXIT_FAILURE, "%s", why.p);
	parcel_done(&answer);
}

static _Noreturn void
end(const struct postkick *k)
{
	say_warning("Cannot contact class %s service %s - perhaps the mail "
		    "system is down",
	    k->class, k->service);
	exit(EXIT_FAILURE);
}

static bool
is_public(const char *service)
{
	static const char *const names[] = {
	    "cleanup", "flush", "pickup", "qmgr", "showq"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(service, names[i]) == 0)
			return true;
	return false;
}

static bool
is_private(const struct postkick *k)
{
	struct master_cf *m = master_cf_read(k->conf_dir, k->conf, NULL, NULL);
	bool is_there = m != NULL && !is_public(k->service) &&
	                master_cf_find(m, str_c(k->service)) != NULL;

	master_cf_free(&m);
	return is_there;
}

static bool
is_service(const struct postkick *k)
{
	if (strcmp(k->class, "public") == 0)
		return is_public(k->service);
	return strcmp(k->class, "private") == 0 && is_private(k);
}

/* qmgr: D and I scan, A and F forget what is to wait, W wakes up.  pickup
 * looks into maildrop/ by itself. */
static void
run(void *arg)
{
	struct postkick *k = arg;
	struct chan *c;

	if (!is_service(k)) {
		say_warning("unable to look up %s/%s: No such file or "
			    "directory",
		    k->class, k->service);
		end(k);
	}
	if (inquiry_open(k->conf, &c) < 0)
		end(k);
	if (strcmp(k->service, "qmgr") == 0 &&
	    strpbrk(k->request, "DFA") != NULL)
		flush(c);
	chan_close(&c);
}

int
main(int argc, char **argv)
{
	struct postkick k = {.conf_dir = getenv("MAIL_CONFIG")};
	int option;

	say_init("postkick");
	while ((option = getopt(argc, argv, "c:v")) != -1)
		if (option == 'c')
			k.conf_dir = optarg;
		else if (option != 'v')
			optind = argc + 1;
	if (argc - optind != 3)
		say_fatal(EXIT_FAILURE,
		    "usage: postkick [-c config_dir] [-v] class service "
		    "request");
	k.class = argv[optind];
	k.service = argv[optind + 1];
	k.request = argv[optind + 2];
	if (k.conf_dir == NULL)
		k.conf_dir = VALIJA_CONFIG;
	k.conf = say_conf(k.conf_dir, EXIT_FAILURE);
	inquiry_run(run, &k);
	conf_free(&k.conf);
	return EXIT_SUCCESS;
}
