/* SPDX-License-Identifier: ISC */
/*
 * dns - asks the resolver and reads its answers for all the other programs:
 * one cache, and one place where packets from the net are parsed.
 */
#include "resolve.h"
#include "resolver.h"

#include "base/file.h"
#include "base/log.h"
#include "base/serve.h"
#include "mail/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLV_CONF     "file:/etc/resolv.conf"
#define RESOLV_CONF_MAX (64 * 1024)
#define ASKS_MAX        10000 /* tasks that wait for an answer */

static const struct sandbox sandbox = {
    .calls = SANDBOX_INET,
    .chroot = true,
    .limits = {.descriptors = 8192},
};

static struct {
	struct resolve *resolve;
	size_t asks;
} dns;

/* One conversation; it stays while tasks of its questions run. */
struct client {
	struct chan *chan; /* NULL: gone */
	size_t users;
};

struct asking {
	struct client *client;
	struct parcel parcel;
};

static void
leave_client(struct client *cl)
{
	if (--cl->users == 0)
		free(cl);
}

static void
send_answer(
    struct client *cl, uint32_t exchange, const struct dns_answer *answer)
{
	if (cl->chan != NULL)
		chan_send(cl->chan, DNS_ANSWER, exchange, answer, NULL, 0);
}

static void
run_asking(void *arg)
{
	struct asking *w = arg;
	const struct dns_ask *ask = w->parcel.value;
	ARENA_CLEANUP struct arena a;
	struct dns_answer answer;

	arena_init(&a, 2 * WIRE_ANSWER_MAX);
	resolve_ask(dns.resolve, ask->name, (uint16_t)ask->type, &a, &answer);
	send_answer(w->client, w->parcel.exchange, &answer);
	parcel_done(&w->parcel);
	leave_client(w->client);
	free(w);
	dns.asks--;
}

static void
start_asking(struct client *cl, struct parcel *p)
{
	struct asking *w = calloc(1, sizeof(*w));

	if (w == NULL)
		log_fatal("out of memory");
	w->client = cl;
	cl->users++;
	parcel_take(p, &w->parcel);
	dns.asks++;
	task_start(run_asking, w);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	ARENA_CLEANUP struct arena a;
	struct client *cl = arg;
	struct dns_answer answer = {
	    .find = FIND_RETRY, .why = STR("too many questions at a time")};

	(void)c;
	if (p->kind != DNS_ASK)
		return;
	const struct dns_ask *ask = p->value;
	arena_init(&a, 2 * WIRE_ANSWER_MAX);
	bool known = resolve_known(
	    dns.resolve, ask->name, (uint16_t)ask->type, &a, &answer);
	if (known || dns.asks >= ASKS_MAX)
		send_answer(cl, p->exchange, &answer);
	else
		start_asking(cl, p);
}

static void
closed(struct chan *c, const char *why, void *arg)
{
	struct client *cl = arg;

	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	chan_close(&c);
	cl->chan = NULL;
	leave_client(cl);
}

static void
linked(struct serve *sv, struct str name, int fd)
{
	static const struct chan_events events = {take_parcel, closed};
	struct client *cl = calloc(1, sizeof(*cl));

	(void)sv;
	(void)name;
	if (cl == NULL)
		log_fatal("out of memory");
	cl->users = 1;
	cl->chan = chan_new(fd, &dns_protocol, &events, cl);
}

/* The file as it is now: by offset, since others may hold the descriptor. */
static int
read_gift(const struct serve *sv, struct buf *b)
{
	int fd = serve_gift(sv, STR(RESOLV_CONF));
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > RESOLV_CONF_MAX)
		return -EFBIG;
	size_t n = (size_t)st.st_size;
	int e = fd_pread_all(fd, buf_room(b, n), n, 0);
	if (e == 0)
		buf_grew(b, n);
	return e;
}

static int
find_resolvers(const struct serve *sv, struct str list, struct resolvers *ret)
{
	BUF_CLEANUP struct buf b;

	buf_init(&b, RESOLV_CONF_MAX);
	if (resolvers_parse(ret, list, &b) != 0) {
		log_error("%s", b.p);
		return -EINVAL;
	}
	if (ret->n > 0)
		return 0;
	int e = read_gift(sv, &b);
	if (e != 0)
		log_warning("/etc/resolv.conf: %s", strerror(-e));
	resolvers_parse_file(ret, buf_str(&b));
	return 0;
}

static int
start(struct serve *sv)
{
	struct resolvers resolvers;
	struct conf *conf = conf_decode(serve_config(sv));

	if (conf == NULL) {
		log_error("the configuration cannot be read");
		return -EINVAL;
	}
	int e =
	    find_resolvers(sv, conf_str(conf, PARAM_dns_resolvers), &resolvers);
	conf_free(&conf);
	if (e == 0)
		dns.resolve = resolve_new(&resolvers);
	return e;
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "dns",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	};
	return serve_main(&program, argc, argv);
}
