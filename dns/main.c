/* SPDX-License-Identifier: ISC */
/*
 * dns - asks the resolver and reads its answers for all the other programs:
 * one cache, and one place where packets from the net are parsed.
 */
#include "resolve.h"
#include "resolver.h"

#include "base/file.h"
#include "base/log.h"
#include "base/requests.h"
#include "base/serve.h"
#include "mail/conf.h"

#include <errno.h>
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

static struct resolve *resolver;

static void
ask_resolver(struct asked *q, void *arg)
{
	const struct dns_ask *ask = q->parcel.value;
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;

	(void)arg;
	arena_init(&a, 2 * WIRE_ANSWER_MAX);
	resolve_ask(resolver, ask->name, (uint16_t)ask->type, &a, &answer);
	(void)requests_answer(q, DNS_ANSWER, &answer);
}

static bool answer_at_once(struct chan *c, struct parcel *p, void *arg);

static struct requests requests = {
    .proto = &dns_protocol,
    .kind = DNS_ASK,
    .carry_out = ask_resolver,
    .at_once = answer_at_once,
};

static bool
answer_at_once(struct chan *c, struct parcel *p, void *arg)
{
	const struct dns_ask *ask = p->value;
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer = {
	    .find = FIND_RETRY, .why = STR("too many questions at a time")};

	(void)arg;
	arena_init(&a, 2 * WIRE_ANSWER_MAX);
	if (!resolve_known(
		resolver, ask->name, (uint16_t)ask->type, &a, &answer) &&
	    requests.open < ASKS_MAX)
		return false;
	chan_send(c, DNS_ANSWER, p->exchange, &answer, NULL, 0);
	return true;
}

static void
linked(struct serve *sv, struct str name, int fd)
{
	(void)sv;
	(void)name;
	requests_linked(&requests, fd);
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
	BUF_CLEANUP struct buf b = {0};

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
		resolver = resolve_new(&resolvers);
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
