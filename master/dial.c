/* SPDX-License-Identifier: ISC */
/*
 * dial - connects to servers that are none of the suite (policy services) for
 * programs that may make no socket.  A task each, so that master waits for
 * nobody; names are looked up by lookup, who may.
 *
 * SECURITY: only to what the configuration of the program names, and for smtp
 * to what listens in private/ of the queue.  Master
 * connects and reads nothing: what is said there is the program's affair.
 */
#include "master.h"

#include "base/control.h"
#include "base/file.h"
#include "mail/param.h"
#include "mail/proto/lookup.h"
#include "net/endpoint.h"
#include "net/ip.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIALS_MAX   100 /* of a process */
#define DIAL_TIME   (60 * CLOCK_SEC)
#define CROWD_PAUSE (CLOCK_SEC / 20) /* a socket with too many before it */
#define HOSTS_MAX   16               /* addresses of one name */

struct dial {
	TAILQ_ENTRY(dial) next;
	struct master *master;
	struct child *child; /* NULL: it is gone */
	uint32_t exchange;
	int64_t deadline;
	char text[ENDPOINT_MAX + 1];
};

/* ---- a name's addresses ---- */

static size_t
parse_addresses(struct str text, struct ip *ret)
{
	struct str word;
	size_t n = 0;

	while (n < HOSTS_MAX && (word = str_word(&text, " ")).len > 0)
		if (ip_parse(word, &ret[n]) == 0)
			n++;
	return n;
}

static size_t
ask_lookup(struct dial *d, struct str host, struct ip *ret)
{
	struct lookup_ask ask = {.database = LOOKUP_HOST, .key = host};
	struct child *lookup = broker_server(d->master, STR("lookup"));
	const struct lookup_answer *answer;
	struct parcel p;
	struct chan *c;
	size_t n = 0;
	int end = lookup == NULL ? -EAGAIN : broker_link(lookup);

	if (end < 0)
		return 0;
	c = chan_new(end, &lookup_protocol, NULL, NULL);
	if (chan_call(c, LOOKUP_ASK, &ask, NULL, 0, &p, d->deadline) == 0) {
		answer = p.value;
		if (p.kind == LOOKUP_ANSWER && answer->find == FIND_YES)
			n = parse_addresses(answer->text, ret);
		parcel_done(&p);
	}
	chan_close(&c);
	return n;
}

static size_t
find_addresses(struct dial *d, struct str host, struct ip *ret)
{
	return ip_parse(host, &ret[0]) == 0 ? 1 : ask_lookup(d, host, ret);
}

/* ---- connecting ---- */

static int
connect_address(const struct ip *ip, uint16_t port, int64_t deadline)
{
	struct sockaddr_storage to;
	socklen_t len = ip_to_sockaddr(ip, port, &to);
	int fd =
	    socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct io io;
	int r;

	if (fd < 0)
		return -errno;
	r = io_init(&io, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = io_connect(&io, (struct sockaddr *)&to, len, deadline);
	if (r == 0) {
		r = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (r < 0)
			r = -errno;
	}
	io_done(&io);
	return r;
}

static int
connect_inet(struct dial *d, const struct endpoint *e)
{
	struct ip ips[HOSTS_MAX];
	size_t n = find_addresses(d, e->host, ips);
	int r = -EHOSTUNREACH;

	for (size_t i = 0; i < n && r < 0; i++)
		r = connect_address(&ips[i], e->port, d->deadline);
	return r;
}

static int
connect_unix(struct dial *d, const struct endpoint *e)
{
	char directory[ENDPOINT_MAX + 1], name[ENDPOINT_MAX + 1];
	FD_CLEANUP int dir = -1;
	int r;

	memcpy(name, e->name.p, e->name.len);
	name[e->name.len] = '\0';
	memcpy(directory, e->directory.p, e->directory.len);
	directory[e->directory.len] = '\0';
	dir = openat(d->master->queue_fd, directory[0] ? directory : ".",
	    O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (;;) {
		r = unix_connect(dir, name, SOCK_STREAM);
		if (r != -EAGAIN || clock_mono() >= d->deadline ||
		    task_sleep(clock_after(CROWD_PAUSE)) < 0)
			return r;
	}
}

static int
connect_endpoint(struct dial *d)
{
	struct endpoint e;
	const char *why;

	if (endpoint_parse(str_c(d->text), &e, &why) < 0)
		return -EINVAL;
	return e.kind == ENDPOINT_INET ? connect_inet(d, &e)
	                               : connect_unix(d, &e);
}

static void
run(void *arg)
{
	struct dial *d = arg;
	int fd = connect_endpoint(d);

	if (d->child == NULL)
		fd_close(&fd);
	else if (fd < 0)
		broker_refuse(d->child, d->exchange, -fd);
	else
		broker_give(d->child, d->exchange, str_c(d->text), fd);
	TAILQ_REMOVE(&d->master->dials, d, next);
	free(d);
}

/* ---- who may ---- */

static bool
is_named(const struct service *s, struct str endpoint)
{
	for (size_t i = 0; i < s->nendpoints; i++)
		if (str_eq(s->endpoints[i], endpoint))
			return true;
	return false;
}

/* A socket in private/ is there for transports: main.cf need not name it, as
 * transport_maps may. */
static bool
is_private(const struct service *s, struct str endpoint)
{
	struct endpoint e;
	const char *why;

	return s->program->users == USER_SMTP &&
	       endpoint_parse(endpoint, &e, &why) == 0 &&
	       e.kind == ENDPOINT_UNIX && str_eq(e.directory, STR("private"));
}

static size_t
count_dials(const struct child *c)
{
	const struct dial *d;
	size_t n = 0;

	TAILQ_FOREACH (d, &c->master->dials, next)
		n += d->child == c;
	return n;
}

void
dial_start(struct child *c, uint32_t exchange, struct str endpoint)
{
	struct dial *d;

	if (endpoint.len > ENDPOINT_MAX ||
	    (!is_named(c->service, endpoint) &&
		!is_private(c->service, endpoint))) {
		log_warning("%s asks to connect to %.*s, which its "
			    "configuration does not name: refused",
		    c->service->program->name, STR_ARG(endpoint));
		broker_refuse(c, exchange, EACCES);
		return;
	}
	if (count_dials(c) >= DIALS_MAX) {
		broker_refuse(c, exchange, EAGAIN);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		log_fatal("out of memory for a connection");
	d->master = c->master;
	d->child = c;
	d->exchange = exchange;
	d->deadline = clock_after(DIAL_TIME);
	memcpy(d->text, endpoint.p, endpoint.len);
	TAILQ_INSERT_TAIL(&c->master->dials, d, next);
	task_start(run, d);
}

void
dial_forget(struct child *c)
{
	struct dial *d;

	TAILQ_FOREACH (d, &c->master->dials, next)
		if (d->child == c)
			d->child = NULL;
}
