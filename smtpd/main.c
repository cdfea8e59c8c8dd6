/* SPDX-License-Identifier: ISC */
/* smtpd - speaks SMTP with clients, and hands on what it accepts. */
#include "base/buf.h"
#include "base/log.h"
#include "base/serve.h"
#include "base/task.h"
#include "listen.h"
#include "mail/authorities.h"
#include "mail/conf.h"
#include "mail/hmac.h"
#include "mail/identity.h"
#include "mail/proto/dns.h"
#include "mail/proto/lookup.h"
#include "mail/tables.h"
#include "server.h"

#include <errno.h>
#include <string.h>

#define WHY_MAX    1024
#define DRAIN_TIME (600 * CLOCK_SEC) /* for sessions of an old generation */

static const struct sandbox sandbox = {
    .calls = SANDBOX_ACCEPT | SANDBOX_MEMFD,
    .chroot = true,
    .limits = {.address_space = (size_t)8 << 30},
};

/* keys starts when we do; without it there is no TLS for a while. */
#define KEYS_START (5 * CLOCK_SEC)

static struct tables tables;
static struct identity *identity;
static struct server *server;
static struct listeners *listeners;

/* What tickets are bound to beside the service: in a session that is taken up
 * nobody looks at a client's certificate again. */
static struct str
bind_sessions(struct str ca, unsigned char digest[static HMAC_MAX])
{
	hmac_digest(HMAC_SHA256, ca, digest);
	return str_n((const char *)digest, HMAC_MAX);
}

/* All in `all`, the named first. */
static bool
read_authorities(struct serve *sv, const struct conf *conf, struct buf *all,
    struct starttls_ca *ret, struct buf *why)
{
	size_t named;

	if (!starttls_asks(conf))
		return true;
	if (!authorities_read(
		sv, conf_str(conf, PARAM_smtpd_tls_CAfile), STR_NONE, all, why))
		return false;
	named = all->len;
	if (!authorities_read(
		sv, STR_NONE, conf_str(conf, PARAM_smtpd_tls_CApath), all, why))
		return false;
	if (conf_bool(conf, PARAM_tls_append_default_CA) &&
	    !authorities_read(sv, STR_NONE, STR(AUTHORITIES_DEFAULT), all, why))
		return false;
	ret->named = str_sub(buf_str(all), 0, named);
	ret->others = str_from(buf_str(all), named);
	return true;
}

/* False: it was said why. */
static bool
start_tls(struct serve *sv, const struct conf *conf)
{
	BUF_CLEANUP struct buf all = {0}, why = {0};
	unsigned char digest[HMAC_MAX];
	struct starttls_ca ca = {STR_NONE, STR_NONE};

	if (starttls_level(conf) == STARTTLS_NONE)
		return true;
	buf_init(&all, 3 * AUTHORITIES_MAX);
	buf_init(&why, WHY_MAX);
	if (!read_authorities(sv, conf, &all, &ca, &why)) {
		log_error("smtpd_tls_CAfile, smtpd_tls_CApath: %s", why.p);
		return false;
	}
	identity = identity_open(sv, bind_sessions(buf_str(&all), digest));
	if (!starttls_init(&server->starttls, conf, serve_service(sv), &ca,
		identity_find, identity, &server->arena, &why)) {
		log_error("TLS: %s", why.p);
		return false;
	}
	identity_attach(identity, server->starttls.context);
	if (identity_wait(identity, clock_after(KEYS_START)) < 0)
		log_warning("keys does not answer: no TLS until it does");
	return true;
}

static int
start(struct serve *sv)
{
	struct conf *conf = conf_decode(serve_config(sv));
	struct link *dns = link_new(sv, "dns", &dns_protocol, NULL, NULL);
	struct link *lookup =
	    link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	BUF_CLEANUP struct buf why = {0};
	int r;

	buf_init(&why, WHY_MAX);
	if (conf == NULL) {
		log_error("the configuration cannot be read");
		return -EINVAL;
	}
	tables_init(
	    &tables, sv, lookup, conf_str(conf, PARAM_default_database_type));
	server = server_new(sv, conf, &tables.env, dns, lookup, &why);
	if (server == NULL) {
		log_error("%s", why.p);
		return -EINVAL;
	}
	if (!start_tls(sv, conf))
		return -EINVAL;
	r = listen_start(server, &listeners);
	if (r < 0)
		log_error("listeners: %s", strerror(-r));
	return r;
}

static void
drain(struct serve *sv)
{
	listen_stop(&listeners);
	server_drain(server);
	if (!serve_is_urgent(sv))
		task_sleep(clock_after(DRAIN_TIME));
	server_hurry(server);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "smtpd",
	    .sandbox = &sandbox,
	    .start = start,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
