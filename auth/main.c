/* SPDX-License-Identifier: ISC */
/*
 * auth - checks passwords, for smtpd and for others, in the words of the
 * Dovecot authentication protocol.
 */
#include "client.h"
#include "system.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/conf.h"
#include "mail/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define DRAIN_TIME   (10 * CLOCK_SEC)
#define ACCEPT_PAUSE (CLOCK_SEC / 10)

static const struct sandbox sandbox = {
    .calls = SANDBOX_FORK | SANDBOX_ACCEPT,
    .chroot = true,
};

static struct desk desk;
static struct tables tables;
static struct users_seed seed;
static struct io door; /* for programs that are none of the suite */
static struct task *accepting;

/* A SCRAM that some user has no key for would turn him away, who knows his
 * password: it is not offered. */
static bool
is_offered(const struct mechanism *m, const struct users *u, struct str list)
{
	struct str word;

	while ((word = str_word(&list, ", \t\r\n")).len > 0)
		if (str_eq_case(word, str_c(m->name)))
			return !m->is_scram ||
			       (!system_is_used() &&
				   users_have_scram(u, m->hash));
	return false;
}

/* True: other ones than before. */
static bool
choose(const struct conf *c)
{
	bool has_changed = false;

	for (size_t i = 0; i < MECHANISMS; i++) {
		bool is = is_offered(mechanism_at(i), desk.users,
		    conf_str(c, PARAM_auth_mechanisms));

		has_changed |= is != desk.offers[i];
		desk.offers[i] = is;
	}
	return has_changed;
}

/* The users as they are now; those of before stay when they cannot be read. */
static bool
read_users(struct serve *sv, const struct conf *c)
{
	BUF_CLEANUP struct buf why = {0};
	char text[64];
	struct users *u;

	tables_init(
	    &tables, sv, NULL, conf_str(c, PARAM_default_database_type));
	buf_init(&why, LOG_LINE_MAX);
	u = users_new(&tables.env, conf_str(c, PARAM_auth_users), &seed, &why);
	if (u == NULL) {
		log_error("%s", why.p);
		return false;
	}
	users_unref(&desk.users);
	desk.users = u;
	snprintf(text, sizeof(text), "%zu users", users_count(u));
	serve_status(sv, text);
	return true;
}

static void
accept_all(void *arg)
{
	struct sockaddr_storage peer;
	int fd;

	(void)arg;
	while (!task_is_cancelled()) {
		fd = io_accept(&door, &peer, CLOCK_NEVER);
		if (fd >= 0)
			client_start(&desk, fd);
		else
			task_sleep(clock_after(ACCEPT_PAUSE)); /* EMFILE */
	}
	io_done(&door);
}

static int
open_door(struct serve *sv)
{
	int fd = serve_gift(sv, STR("listen:valija-auth"));
	int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r = own < 0 ? -EBADF : io_init(&door, own);

	if (r == 0)
		accepting = task_start(accept_all, NULL);
	return r;
}

/* Configuration and files are there, anew perhaps. */
static bool
configure(struct serve *sv, struct str config)
{
	static struct conf *conf; /* tables borrow from it */
	struct conf *c = conf_decode(config);

	if (c == NULL) {
		log_error("there is no configuration");
		return false;
	}
	/* Without root nobody may ask about others' passwords. */
	system_use(conf_bool(c, PARAM_auth_pam) && serve_is_root_suite(sv)
		       ? sv
		       : NULL);
	desk.turns.delay = conf_time(c, PARAM_auth_failure_delay);
	if (!read_users(sv, c)) {
		conf_free(&c);
		return false;
	}
	conf_free(&conf);
	conf = c;
	if (choose(c))
		clients_retire(&desk);
	return true;
}

static int
start(struct serve *sv)
{
	arc4random_buf(&seed, sizeof(seed));
	desk_init(&desk);
	return configure(sv, serve_config(sv)) ? open_door(sv) : -1;
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	(void)client;
	client_start(&desk, fd);
}

/* Who is gone from the files is gone from here on. */
static void
reconfigure(struct serve *sv, struct str config)
{
	(void)configure(sv, config);
}

static void
drain(struct serve *sv)
{
	static bool is_draining;
	int64_t deadline = clock_after(DRAIN_TIME);

	if (!is_draining)
		task_cancel(accepting);
	is_draining = true;
	clients_retire(&desk);
	while (desk.nclients > 0 && !serve_is_urgent(sv) &&
	       task_wait(&desk.ended, deadline) == 0)
		;
	serve_exit(sv, 0);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "auth",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .reconfigure = reconfigure,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
