/* SPDX-License-Identifier: ISC */
/* listen - the accepting tasks. */
#include "listen.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"
#include "net/ip.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BURST 16 /* connections taken before the sessions have a turn */

struct listener {
	struct io io;
	struct task *task; /* NULL: it has ended */
	struct listeners *all;
};

struct listeners {
	struct server *server;
	int reserve; /* a descriptor to give up when there are none */
	size_t n, running;
	bool is_stopping;
	struct listener listener[];
};

/* The client hears why, and that it may come again; nobody waits for it. */
static void
turn_away(const struct server *s, int fd)
{
	BUF_CLEANUP struct buf text = {0};

	buf_init(&text, 512);
	buf_addf(&text, "421 4.3.2 %.*s All server ports are busy\r\n",
	    STR_ARG(s->hostname));
	(void)!send(fd, text.p, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Out of descriptors: the reserve lets one client in, to be told. */
static void
use_reserve(struct listener *l)
{
	struct listeners *all = l->all;
	struct sockaddr_storage peer;
	int fd;

	log_warning("no descriptor left: a client is turned away");
	if (all->reserve >= 0)
		close(all->reserve);
	all->reserve = -1;
	fd = io_accept(&l->io, &peer, clock_mono());
	if (fd >= 0)
		turn_away(all->server, fd);
	all->reserve = dup(l->io.fd);
	task_sleep(clock_after(100 * CLOCK_MS));
}

static void
admit(struct server *s, int fd, const struct sockaddr_storage *peer)
{
	struct ip ip;
	uint16_t port;

	if (ip_from_sockaddr((const struct sockaddr *)peer, &ip, &port) < 0)
		ip = (struct ip){.family = 4}, port = 0;
	if (!s->is_limited && s->session_count >= s->sessions_max) {
		log_warning(
		    "%zu sessions: a client is turned away", s->session_count);
		turn_away(s, fd);
		return;
	}
	session_start(s, fd, &ip, port);
}

static void
stop_one(struct listener *l)
{
	struct listeners *all = l->all;

	l->task = NULL;
	io_done(&l->io);
	if (--all->running > 0 || !all->is_stopping)
		return;
	if (all->reserve >= 0)
		close(all->reserve);
	free(all);
}

static void
run(void *arg)
{
	struct listener *l = arg;
	unsigned n = 0;

	while (!task_is_cancelled()) {
		struct sockaddr_storage peer;
		int fd;

		if (server_is_full(l->all->server)) {
			task_wait(&l->all->server->place, CLOCK_NEVER);
			continue;
		}
		fd = io_accept(&l->io, &peer, CLOCK_NEVER);
		if (fd >= 0)
			admit(l->all->server, fd, &peer);
		else if (fd == -EMFILE || fd == -ENFILE)
			use_reserve(l);
		else if (fd == -ECANCELED)
			break;
		else if (fd == -ENOMEM || fd == -ENOBUFS)
			task_sleep(clock_after(CLOCK_SEC));
		if (++n % BURST == 0)
			task_yield();
	}
	stop_one(l);
}

static bool
is_listener(struct str gift)
{
	return str_has_prefix(gift, STR("listen:"));
}

int
listen_start(struct server *s, struct listeners **ret)
{
	size_t max = serve_gifts(s->sv);
	struct listeners *all =
	    calloc(1, sizeof(*all) + max * sizeof(all->listener[0]));

	if (all == NULL)
		log_fatal("out of memory");
	all->server = s;
	all->reserve = -1;
	for (size_t i = 0; i < max; i++) {
		struct str name = serve_gift_name(s->sv, i);
		struct listener *l = &all->listener[all->n];
		int fd;

		if (!is_listener(name))
			continue;
		fd = dup(serve_gift(s->sv, name));
		if (fd < 0 || io_init(&l->io, fd) < 0)
			return -errno;
		l->all = all;
		l->task = task_start(run, l);
		all->n++;
		all->running++;
	}
	if (all->n == 0)
		return -ENOENT;
	all->reserve = dup(all->listener[0].io.fd);
	*ret = all;
	return 0;
}

void
listen_stop(struct listeners **l)
{
	struct listeners *all = *l;

	if (all == NULL)
		return;
	*l = NULL;
	all->is_stopping = true;
	for (size_t i = 0; i < all->n; i++)
		if (all->listener[i].task != NULL)
			task_cancel(all->listener[i].task);
}
