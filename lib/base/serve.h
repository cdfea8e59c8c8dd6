/* SPDX-License-Identifier: ISC */
/*
 * serve - the one skeleton of every program that master starts.
 *
 * master execs the program with descriptor 3 as its control channel
 * (base/control.h) and the identity to take in its arguments.  serve_main()
 * then, in this order: enters the sandbox (chroot, groups, uid, capability
 * sets, no_new_privs, Landlock, seccomp, limits), before a byte from anyone
 * is read; receives the configuration, the log's descriptor, listeners and
 * files ("gifts"); runs start() in a task; tells master it is ready; runs the
 * loop until master says drain or goes away.
 *
 * Everything a program holds it was given: it opens nothing.  Conversations
 * with other programs are made by master: a client asks for a link to a
 * service by name, master (which knows who may talk to whom) makes a
 * socketpair and hands an end to each.
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		static const struct program program = {
 *			.name = "bounce",
 *			.sandbox = &sandbox,
 *			.start = start,
 *			.linked = linked,
 *		};
 *		return serve_main(&program, argc, argv);
 *	}
 */
#ifndef BASE_SERVE_H
#define BASE_SERVE_H

#include "base/chan.h"
#include "base/sandbox.h"
#include "base/str.h"

struct serve;

struct program {
	const char *name; /* as in the log: "smtpd" */
	const struct sandbox *sandbox;

	/* The configuration and all gifts are there.  In a task.  0, or not:
	 * the reason is logged and the process ends. */
	int (*start)(struct serve *sv);

	/* A client was linked to us: take the descriptor.  NULL: no clients.
	 * May not wait. */
	void (*linked)(struct serve *sv, struct str client, int fd);

	/* A new configuration (qmgr alone; NULL: replaced instead).  In a
	 * task; `config` holds until it waits. */
	void (*reconfigure)(struct serve *sv, struct str config);

	/* No new work: finish what is open, then serve_exit().  In a task.
	 * When serve_is_urgent(), finish within seconds: end sessions, leave
	 * the rest; asked so later, it is called once more.  NULL: exit. */
	void (*drain)(struct serve *sv);
};

int serve_main(const struct program *p, int argc, char **argv);

struct str serve_service(const struct serve *sv); /* the master.cf name */
struct str serve_config(const struct serve *sv);  /* encoded; mail/conf.h */
uint64_t serve_generation(const struct serve *sv);
bool serve_is_root_suite(const struct serve *sv); /* false: one user for all */

/* How many processes master.cf lets the service have, in each of which Postfix
 * serves one client; 0: it does not say. */
uint64_t serve_limit(const struct serve *sv);

bool serve_is_urgent(const struct serve *sv); /* see drain */

/* A descriptor by name: "listen:0", "file:/etc/resolv.conf" (also of a table:
 * "file:/etc/aliases.cdb"), "dir:queue"; -1: none.  It stays serve's: dup it
 * or use it as it is. */
int serve_gift(const struct serve *sv, struct str name);
size_t serve_gifts(const struct serve *sv);
struct str serve_gift_name(const struct serve *sv, size_t i);

/* Ask master for a conversation with `service`: a descriptor or -errno
 * (-EACCES: not for us, -ETIMEDOUT, -ECANCELED).  Waits. */
int serve_link(struct serve *sv, const char *service, int64_t deadline);

/*
 * Ask master to connect to a server that is none of the suite, by the text
 * that our own configuration names it by (net/endpoint.h): a descriptor,
 * non-blocking, or -errno (-EACCES: it is not named there).  Waits.
 */
int serve_connect(struct serve *sv, struct str endpoint, int64_t deadline);

void serve_status(struct serve *sv, const char *text); /* for `valija status` */
void serve_exit(struct serve *sv, int code);

/*
 * link - a conversation with a service that is made anew when it breaks.
 *
 * link_call() asks once more, on a new conversation, when the old one broke
 * before the answer: use it for questions, and for requests that the server
 * can tell are repeated.  link_chan() gives the open conversation (connecting
 * if need be) to whoever needs to send without calling.  Several tasks may
 * use one link at a time; one connects, the others wait for it.
 *
 * The events are those of each conversation in turn, with `arg`; the link
 * closes the chan.
 */
struct link;

struct link *link_new(struct serve *sv, const char *service,
    const struct protocol *proto, const struct chan_events *events, void *arg);
void link_free(struct link **l);
int link_call(struct link *l, unsigned kind, const void *value, const int *fds,
    size_t nfds, struct parcel *ret_answer, int64_t deadline);
struct chan *link_chan(struct link *l, int64_t deadline); /* NULL: no way */

#endif
