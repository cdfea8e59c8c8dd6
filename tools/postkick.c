/* SPDX-License-Identifier: ISC */
/*
 * postkick - "postkick public qmgr D": has the queue tried now, as scripts for
 * Postfix ask it to.  postkick(1).
 */
#include "inquiry.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct postkick {
	struct conf *conf;
	const char *service, *request;
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

/* qmgr: D and I scan, A and F forget what is to wait, W wakes up.  pickup
 * looks into maildrop/ by itself. */
static void
run(void *arg)
{
	struct postkick *k = arg;
	struct chan *c;
	int r = inquiry_open(k->conf, &c);

	if (r < 0)
		say_fatal(
		    EXIT_FAILURE, "%s: the mail system is down", k->service);
	if (strcmp(k->service, "qmgr") == 0 &&
	    strpbrk(k->request, "DFA") != NULL)
		flush(c);
	chan_close(&c);
}

int
main(int argc, char **argv)
{
	const char *conf_dir = NULL;
	struct postkick k = {0};
	int option;

	say_init("postkick");
	while ((option = getopt(argc, argv, "c:v")) != -1)
		if (option == 'c')
			conf_dir = optarg;
		else if (option != 'v')
			optind = argc + 1;
	if (argc - optind != 3)
		say_fatal(EXIT_FAILURE,
		    "usage: postkick [-c config_dir] [-v] class service "
		    "request");
	k.service = argv[optind + 1];
	k.request = argv[optind + 2];
	if (strcmp(k.service, "qmgr") != 0 && strcmp(k.service, "pickup") != 0)
		say_fatal(EXIT_FAILURE, "there is no service %s/%s to kick",
		    argv[optind], k.service);
	k.conf = say_conf(conf_dir, EXIT_FAILURE);
	inquiry_run(run, &k);
	conf_free(&k.conf);
	return EXIT_SUCCESS;
}
