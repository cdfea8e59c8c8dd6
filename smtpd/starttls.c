/* SPDX-License-Identifier: ISC */
/* starttls - from main.cf to a TLS context, and from a client to TLS. */
#include "starttls.h"

#include "base/log.h"
#include "command.h"
#include "mail/tls_grade.h"
#include "mail/tls_text.h"
#include "rate.h"
#include "reply.h"
#include "session.h"

#include <errno.h>
#include <string.h>

#define WHY_MAX 4096

/* ---- main.cf ---- */

enum starttls_level
starttls_level(const struct conf *c)
{
	struct str level = conf_str(c, PARAM_smtpd_tls_security_level);

	if (conf_bool(c, PARAM_smtpd_tls_wrappermode))
		return STARTTLS_ENCRYPT;
	if (str_eq_case(level, STR("none")))
		return STARTTLS_NONE;
	if (str_eq_case(level, STR("may")))
		return STARTTLS_MAY;
	if (level.len > 0)
		return STARTTLS_ENCRYPT;
	if (conf_bool(c, PARAM_smtpd_enforce_tls))
		return STARTTLS_ENCRYPT;
	return conf_bool(c, PARAM_smtpd_use_tls) ? STARTTLS_MAY : STARTTLS_NONE;
}

/* Protocols and ciphers, by whether mail may also come in the clear. */
static bool
read_grade(const struct conf *c, bool is_must, struct arena *a,
    struct tls_grade *ret, struct buf *why)
{
	BUF_CLEANUP struct buf exclude = {0};

	buf_init(&exclude, CONF_VALUE_MAX);
	buf_add_str(&exclude, conf_str(c, PARAM_smtpd_tls_exclude_ciphers));
	if (is_must)
		buf_addf(&exclude, " %.*s",
		    STR_ARG(conf_str(
			c, PARAM_smtpd_tls_mandatory_exclude_ciphers)));
	return tls_grade_protocols(
		   conf_str(c, is_must ? PARAM_smtpd_tls_mandatory_protocols
				       : PARAM_smtpd_tls_protocols),
		   ret, why) == 0 &&
	       tls_grade_ciphers(c,
		   conf_str(c, is_must ? PARAM_smtpd_tls_mandatory_ciphers
				       : PARAM_smtpd_tls_ciphers),
		   buf_str(&exclude), a, ret, why) == 0;
}

bool
starttls_asks(const struct conf *c)
{
	return conf_bool(c, PARAM_smtpd_tls_ask_ccert) ||
	       conf_bool(c, PARAM_smtpd_tls_req_ccert);
}

/* smtpd_tls_req_ccert counts where TLS is a must. */
static void
read_peer(const struct conf *c, struct starttls *t, struct tls_settings *s)
{
	t->must_trust = t->level == STARTTLS_ENCRYPT &&
	                conf_bool(c, PARAM_smtpd_tls_req_ccert);
	if (starttls_asks(c))
		s->peer = TLS_PEER_ASK;
	s->verify_depth = (int)conf_int(c, PARAM_smtpd_tls_ccert_verifydepth);
}

bool
starttls_init(struct starttls *t, const struct conf *c, struct str service,
    const struct starttls_ca *ca, tls_identify identify, void *arg,
    struct arena *a, struct buf *why)
{
	struct tls_settings s = {
	    .role = TLS_SERVER,
	    .prefers_own = conf_bool(c, PARAM_tls_preempt_cipherlist),
	    .ca = ca->others,
	    .ca_named = ca->named,
	    .service = service,
	    .identify = identify,
	    .identify_arg = arg,
	};

	*t = (struct starttls){
	    .level = starttls_level(c),
	    .is_wrapped = conf_bool(c, PARAM_smtpd_tls_wrappermode),
	    .loglevel = (unsigned)conf_int(c, PARAM_smtpd_tls_loglevel),
	    .in_received = conf_bool(c, PARAM_smtpd_tls_received_header),
	    .digest = arena_strf(a, "%.*s",
		STR_ARG(conf_str(c, PARAM_smtpd_tls_fingerprint_digest)))
	                  .p,
	    .identify = identify,
	    .identify_arg = arg,
	};
	if (t->level == STARTTLS_NONE)
		return true;
	read_peer(c, t, &s);
	if (!read_grade(c, t->level == STARTTLS_ENCRYPT, a, &s.grade, why) ||
	    tls_grade_options(
		conf_str(c, PARAM_tls_ssl_options), &s.options, why) < 0 ||
	    tls_grade_groups(c, conf_str(c, PARAM_smtpd_tls_eecdh_grade), a,
		&s.groups, why) < 0)
		return false;
	t->context = tls_context_new(&s, why);
	return t->context != NULL;
}

void
starttls_done(struct starttls *t)
{
	tls_context_free(&t->context);
}

/* ---- the handshake ---- */

bool
starttls_has_identity(const struct starttls *t)
{
	return t->context != NULL &&
	       t->identify(t->identify_arg, STR_NONE) != NULL;
}

bool
starttls_is_offered(const struct session *s)
{
	return s->server->starttls.context != NULL && !s->is_tls &&
	       !conf_has_word(s->server->conf,
		   PARAM_smtpd_discard_ehlo_keywords, STR("STARTTLS"));
}

/* As Postfix has it: what went wrong, and each error of the library. */
static void
log_failure(const struct session *s, int error, struct str why)
{
	struct str line;

	if (error == -ECONNRESET)
		log_info("SSL_accept error from %.*s: lost connection",
		    STR_ARG(s->client.text));
	else if (error != -EPROTO)
		log_info("SSL_accept error from %.*s: %s",
		    STR_ARG(s->client.text), strerror(-error));
	else
		log_info(
		    "SSL_accept error from %.*s: -1", STR_ARG(s->client.text));
	while (str_line(&why, &line))
		log_warning("TLS library problem: %.*s", STR_ARG(line));
}

static void
log_peer(const struct session *s, const struct tls_info *info)
{
	const char *digest = s->server->starttls.digest;
	char cert[TLS_FINGERPRINT_SIZE], key[TLS_FINGERPRINT_SIZE];

	if (tls_fingerprint(&s->stream, TLS_OF_CERT, digest, cert) < 0 ||
	    tls_fingerprint(&s->stream, TLS_OF_KEY, digest, key) < 0)
		return;
	log_info("%.*s: subject_CN=%s, issuer=%s, fingerprint=%s, "
		 "pkey_fingerprint=%s",
	    STR_ARG(s->client.text), info->subject, info->issuer, cert, key);
	if (!info->is_trusted)
		log_info("%scertificate verification failed for %.*s: %s",
		    info->has_fault ? "client " : "", STR_ARG(s->client.text),
		    info->not_trusted_why);
}

static void
log_success(const struct session *s, const struct tls_info *info)
{
	unsigned loglevel = s->server->starttls.loglevel;
	BUF_CLEANUP struct buf text = {0};

	if (loglevel >= 2 && info->is_reused)
		log_info("%.*s: Reusing old session "
			 "(RFC 5077 session ticket)",
		    STR_ARG(s->client.text));
	if (loglevel >= 2 && info->has_cert)
		log_peer(s, info);
	if (loglevel == 0)
		return;
	buf_init(&text, 1024);
	tls_text_log(info, &text);
	log_info("%s TLS connection established from %.*s: %s",
	    !info->has_cert    ? "Anonymous"
	    : info->is_trusted ? "Trusted"
			       : "Untrusted",
	    STR_ARG(s->client.text), text.p);
}

/* False: this client's certificate is not what we must see. */
static bool
is_welcome(struct session *s, const struct tls_info *info)
{
	const char *what = info->has_cert ? "Client certificate not trusted"
	                                  : "No client certificate presented";

	if (!s->server->starttls.must_trust || info->is_trusted)
		return true;
	log_info(
	    "NOQUEUE: abort: TLS from %.*s: %s", STR_ARG(s->client.text), what);
	reply(
	    s, "421 4.7.1 %.*s Error: %s", STR_ARG(s->server->hostname), what);
	s->end = SESSION_REFUSED;
	return false;
}

bool
starttls_begin(struct session *s)
{
	struct starttls *t = &s->server->starttls;
	BUF_CLEANUP struct buf why = {0};
	int r;

	if (t->loglevel >= 2)
		log_info("setting up TLS connection from %.*s",
		    STR_ARG(s->client.text));
	buf_init(&why, WHY_MAX);
	stream_deadline(
	    &s->stream, clock_after(server_bounds(s->server)->starttls));
	s->is_waiting = true;
	r = tls_accept(&s->stream, t->context, &why);
	s->is_waiting = false;
	if (r == -ECANCELED) {
		session_fail(s, r);
		return false;
	}
	if (r < 0) {
		log_failure(s, r, buf_str(&why));
		s->end = SESSION_LOST;
		return false;
	}
	s->is_tls = true;
	log_success(s, tls_info(&s->stream));
	return is_welcome(s, tls_info(&s->stream)) &&
	       (tls_info(&s->stream)->is_reused || rate_new_tls(s));
}
