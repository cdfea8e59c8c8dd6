/* SPDX-License-Identifier: ISC */
/*
 * listeners - what the suite listens on.  A port is bound when the first plan
 * names it and stays bound, whoever accepts from it, until none names it any
 * more: so a reload refuses nobody.
 */
#include "master.h"

#include "base/file.h"
#include "net/listen.h"
#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORTS_MAX 1000

struct port {
	struct ip ip;
	uint16_t port;
	int fd;
	bool is_used;
};

/* The sockets for tools, of the kind of chan, and one for other software: the
 * group of private/ reaches it. */
static struct {
	const char *directory, *name;
	mode_t mode;
	int type;
	int fd;
} sockets[] = {
    {"public", "pickup", 0666, SOCK_SEQPACKET, -1},
    {"public", "showq", 0666, SOCK_SEQPACKET, -1},
    {"private", "qmgr", 0600, SOCK_SEQPACKET, -1},
    {"private", "master", 0600, SOCK_SEQPACKET, -1},
    {"private", "valija-auth", 0666, SOCK_STREAM, -1},
};
#define NSOCKETS (sizeof(sockets) / sizeof(sockets[0]))

static struct port ports[PORTS_MAX];
static size_t nports;

/* What a service listens on, while it is being found. */
struct finding {
	struct service *service;
	uint16_t port;
	bool use4, use6;
	int error;
};

static void
fail(struct finding *f, int error, const char *what, struct str text)
{
	log_error("service %.*s: %s %.*s: %s", STR_ARG(f->service->name), what,
	    STR_ARG(text), strerror(-error));
	f->error = error;
}

static struct port *
find_port(const struct ip *ip, uint16_t port)
{
	for (size_t i = 0; i < nports; i++)
		if (ports[i].port == port && ip_eq(&ports[i].ip, ip))
			return &ports[i];
	return NULL;
}

static struct port *
bind_port(struct finding *f, const struct ip *ip)
{
	char text[IP_TEXT_MAX];
	struct port *p;
	int fd;

	if (nports == PORTS_MAX) {
		fail(f, -E2BIG, "listens on", STR("too many ports"));
		return NULL;
	}
	fd = listen_tcp(ip, f->port);
	/* A kernel without IPv6 has no address of it to listen on. */
	if (ip->family == 6 && (fd == -EAFNOSUPPORT || (fd == -EADDRNOTAVAIL &&
							   ip_is_loopback(ip))))
		return NULL;
	if (fd < 0) {
		ip_format(ip, text);
		fail(f, fd, "cannot listen on", str_c(text));
		return NULL;
	}
	p = &ports[nports++];
	*p = (struct port){.ip = *ip, .port = f->port, .fd = fd};
	return p;
}

static void
add_address(struct finding *f, const struct ip *ip)
{
	struct service *s = f->service;
	struct port *p = find_port(ip, f->port);

	if (f->error < 0 || !(ip->family == 4 ? f->use4 : f->use6))
		return;
	if (p == NULL)
		p = bind_port(f, ip);
	if (p == NULL)
		return;
	for (size_t i = 0; i < s->nlisteners; i++)
		if (s->listeners[i] == p->fd)
			return;
	if (s->nlisteners == LISTENERS_MAX)
		fail(f, -E2BIG, "listens on", STR("too many addresses"));
	else
		s->listeners[s->nlisteners++] = p->fd;
}

static void
add_all(struct finding *f)
{
	struct ip v4 = {.family = 4}, v6 = {.family = 6};

	add_address(f, &v4);
	add_address(f, &v6);
}

static void
add_host(struct finding *f, struct str host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	char *name;
	struct ip ip;
	uint16_t port;

	if (ip_parse_literal(host, &ip) == 0 || ip_parse(host, &ip) == 0) {
		add_address(f, &ip);
		return;
	}
	name = arena_cstr(&f->service->plan->arena, host);
	if (getaddrinfo(name, NULL, &hints, &list) != 0) {
		fail(f, -EADDRNOTAVAIL, "has no address:", host);
		return;
	}
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		if (ip_from_sockaddr(a->ai_addr, &ip, &port) == 0)
			add_address(f, &ip);
	freeaddrinfo(list);
}

static void
add_interfaces(struct finding *f, struct str list)
{
	struct str word;

	while ((word = str_word(&list, ", \t\r\n")).len > 0) {
		if (str_eq(word, STR("all"))) {
			add_all(f);
		} else if (str_eq(word, STR("loopback-only"))) {
			add_host(f, STR("127.0.0.1"));
			add_host(f, STR("::1"));
		} else {
			add_host(f, word);
		}
	}
}

static int
find_number(struct str text, uint16_t *ret)
{
	char name[64] = "";
	const struct servent *e;
	uint64_t n;

	if (str_parse_u64(text, 65535, &n) == 0) {
		*ret = (uint16_t)n;
		return 0;
	}
	if (text.len == 0 || text.len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text.p, text.len);
	e = getservbyname(name, "tcp");
	if (e == NULL)
		return -EINVAL;
	*ret = ntohs((uint16_t)e->s_port);
	return 0;
}

/* "25", "smtp", "127.0.0.1:25", "[::1]:25", "host.example:smtp" */
static int
bind_service(const struct conf *c, struct service *s)
{
	struct str protocols = conf_str(c, PARAM_inet_protocols);
	struct finding f = {.service = s};
	ptrdiff_t colon = str_find_last(s->name, ':');
	struct str port = str_from(s->name, (size_t)(colon + 1));
	bool is_all = str_find_str(protocols, STR("all")) >= 0;

	f.use4 = is_all || str_find_str(protocols, STR("ipv4")) >= 0;
	f.use6 = is_all || str_find_str(protocols, STR("ipv6")) >= 0;
	s->listeners = arena_array(&s->plan->arena, LISTENERS_MAX, sizeof(int));
	if (find_number(port, &f.port) < 0)
		fail(&f, -EINVAL, "has no such port:", port);
	else if (colon >= 0)
		add_host(&f, str_sub(s->name, 0, (size_t)colon));
	else
		add_interfaces(&f, conf_str(c, PARAM_inet_interfaces));
	if (f.error == 0 && s->nlisteners == 0)
		fail(&f, -EADDRNOTAVAIL, "listens on", STR("no address"));
	return f.error;
}

int
listeners_bind(struct master *m, struct plan *p)
{
	struct service *s;
	int r = 0;

	TAILQ_FOREACH (s, &p->services, next)
		if (s->is_inet && r == 0)
			r = bind_service(p->conf, s);
	if (r < 0)
		listeners_prune(m);
	return r;
}

static void
mark_used(const struct plan *p)
{
	const struct service *s;

	if (p == NULL)
		return;
	TAILQ_FOREACH (s, &p->services, next)
		for (size_t i = 0; i < s->nlisteners; i++)
			for (size_t k = 0; k < nports; k++)
				if (ports[k].fd == s->listeners[i])
					ports[k].is_used = true;
}

void
listeners_prune(const struct master *m)
{
	size_t kept = 0;

	mark_used(m->plan);
	mark_used(m->old_plan);
	for (size_t i = 0; i < nports; i++) {
		if (ports[i].is_used) {
			ports[i].is_used = false;
			ports[kept++] = ports[i];
		} else {
			close(ports[i].fd);
		}
	}
	nports = kept;
}

static int
open_socket(const struct master *m, size_t i)
{
	FD_CLEANUP int dir = openat(m->queue_fd, sockets[i].directory,
	    O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	return unix_listen(
	    dir, sockets[i].name, sockets[i].type, sockets[i].mode);
}

int
listeners_open_sockets(struct master *m)
{
	for (size_t i = 0; i < NSOCKETS; i++) {
		sockets[i].fd = open_socket(m, i);
		if (sockets[i].fd >= 0)
			continue;
		log_error("%.*s/%s/%s: %s", STR_ARG(m->queue_directory),
		    sockets[i].directory, sockets[i].name,
		    strerror(-sockets[i].fd));
		return sockets[i].fd;
	}
	return 0;
}

int
listeners_socket(const char *name)
{
	for (size_t i = 0; i < NSOCKETS; i++)
		if (strcmp(sockets[i].name, name) == 0)
			return sockets[i].fd;
	return -1;
}

/* So that a tool sees at once that nobody is there. */
void
listeners_remove_sockets(const struct master *m)
{
	char path[64];

	for (size_t i = 0; i < NSOCKETS; i++) {
		if (sockets[i].fd < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", sockets[i].directory,
		    sockets[i].name);
		unlinkat(m->queue_fd, path, 0);
		fd_close(&sockets[i].fd);
	}
}
