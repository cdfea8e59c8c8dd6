/* SPDX-License-Identifier: ISC */
/* secure - TLS below a session. */
#include "secure.h"

#include "base/log.h"
#include "mail/notice_class.h"
#include "mail/tls_text.h"
#include "policy.h"

#include <errno.h>
#include <string.h>

#define WHY_MAX      4096
#define KEY_MAX      (2 * POLICY_KEY_MAX)
#define SESSIONS_MAX 1000

static struct secure *
secure_of(const struct session *s)
{
	return s->settings->secure;
}

static const char *
cstr(struct str s, struct arena *a)
{
	return s.len > 0 ? arena_cstr(a, s) : NULL;
}

/* ---- at the start ---- */

static void
free_session(void *value)
{
	struct tls_session *session = value;

	tls_session_free(&session);
}

bool
secure_init(struct secure *s, const struct conf *c, bool is_lmtp,
    struct str service, struct str authorities, tls_identify identify,
    void *identify_arg, struct buf *why)
{
	ARENA_CLEANUP struct arena a = {0};
	struct tls_settings t = {
	    .role = TLS_CLIENT,
	    .ca = authorities,
	    .verify_depth = (int)conf_int(
		c, settings_twin(is_lmtp, PARAM_smtp_tls_scert_verifydepth)),
	    .service = service,
	    .identify = identify,
	    .identify_arg = identify_arg,
	};

	arena_init(&a, CONF_VALUE_MAX);
	*s = (struct secure){
	    .time = conf_time(
		c, settings_twin(is_lmtp, PARAM_smtp_starttls_timeout)),
	    .loglevel = (unsigned)conf_int(
		c, settings_twin(is_lmtp, PARAM_smtp_tls_loglevel)),
	};
	if (tls_grade_groups(c, STR("auto"), &a, &t.groups, why) < 0 ||
	    tls_grade_options(
		conf_str(c, PARAM_tls_ssl_options), &t.options, why) < 0)
		return false;
	s->context = tls_context_new(&t, why);
	s->sessions = aged_new(SESSIONS_MAX,
	    conf_time(c,
		settings_twin(is_lmtp, PARAM_smtp_tls_session_cache_timeout)),
	    free_session);
	return s->context != NULL;
}

void
secure_done(struct secure *s)
{
	aged_free(&s->sessions);
	tls_context_free(&s->context);
}

/* ---- who it is ---- */

/* One of the names, each followed by a blank. */
static bool
has_a_name(const struct session *s, struct arena *a)
{
	struct str rest = s->policy->match, name;

	while ((name = str_word(&rest, " ")).len > 0)
		if (tls_has_name(&s->stream, arena_cstr(a, name)))
			return true;
	return false;
}

static bool
has_a_fingerprint(const struct session *s, struct arena *a)
{
	const char *digest = arena_cstr(a, s->policy->digest);
	char cert[TLS_FINGERPRINT_SIZE], key[TLS_FINGERPRINT_SIZE];
	struct str rest = s->policy->match, word;

	if (tls_fingerprint(&s->stream, TLS_OF_CERT, digest, cert) < 0 ||
	    tls_fingerprint(&s->stream, TLS_OF_KEY, digest, key) < 0)
		return false;
	while ((word = str_word(&rest, " ")).len > 0)
		if (str_eq_case(word, str_c(cert)) ||
		    str_eq_case(word, str_c(key)))
			return true;
	return false;
}

/* SECURITY: the one place that says who may be at the other end.  NULL when
 * it is who it has to be, or may be anybody; else why not. */
static const char *
find_fault(struct session *s, const struct tls_info *info, struct arena *a)
{
	switch (s->policy->level) {
	case POLICY_NONE:
	case POLICY_MAY:
	case POLICY_ENCRYPT:
		return NULL;
	case POLICY_FINGERPRINT:
		s->is_proved = has_a_fingerprint(s, a);
		return s->is_proved ? NULL : "Server certificate not verified";
	case POLICY_VERIFY:
	case POLICY_SECURE:
		break;
	}
	s->is_proved = info->has_cert && info->is_trusted && has_a_name(s, a);
	return s->is_proved ? NULL : "Server certificate not verified";
}

/* ---- the log, as Postfix has it ---- */

static void
log_failure(const struct session *s, int error, struct str why)
{
	struct str line;

	if (error == -EPROTO)
		log_info("SSL_connect error to %s: -1", s->relay.p);
	else
		log_info("SSL_connect error to %s: %s", s->relay.p,
		    error == -ECONNRESET ? "lost connection"
					 : strerror(-error));
	while (str_line(&why, &line))
		log_warning("TLS library problem: %.*s", STR_ARG(line));
}

static void
log_peer(const struct session *s, const struct tls_info *info, struct arena *a)
{
	const char *digest = arena_cstr(a, s->policy->digest);
	char cert[TLS_FINGERPRINT_SIZE], key[TLS_FINGERPRINT_SIZE];

	if (tls_fingerprint(&s->stream, TLS_OF_CERT, digest, cert) == 0 &&
	    tls_fingerprint(&s->stream, TLS_OF_KEY, digest, key) == 0)
		log_info("%s: subject_CN=%s, issuer_CN=%s, fingerprint=%s, "
			 "pkey_fingerprint=%s",
		    s->relay.p, info->subject, info->issuer, cert, key);
}

/* A name that is not the one we want counts as a fault, as in Postfix. */
static void
log_distrust(
    const struct session *s, const struct tls_info *info, bool is_misnamed)
{
	if (!info->is_trusted)
		log_info("%scertificate verification failed for %s: %s",
		    info->has_fault ? "server " : "", s->relay.p,
		    info->not_trusted_why);
	else if (is_misnamed)
		log_info("server certificate verification failed for %s: "
			 "num=62:hostname mismatch",
		    s->relay.p);
}

static void
log_success(
    const struct session *s, const struct tls_info *info, struct arena *a)
{
	unsigned loglevel = secure_of(s)->loglevel;
	bool is_named = s->policy->level == POLICY_VERIFY ||
	                s->policy->level == POLICY_SECURE;
	BUF_CLEANUP struct buf text = {0};

	if (loglevel >= 2 && info->is_reused)
		log_info("%s: Reusing old session", s->relay.p);
	if (loglevel >= 2 && info->has_cert)
		log_peer(s, info, a);
	if (info->has_cert && (loglevel >= 2 || (loglevel >= 1 && is_named)))
		log_distrust(s, info, is_named && !s->is_proved);
	if (loglevel == 0)
		return;
	buf_init(&text, 1024);
	tls_text_log(info, &text);
	log_info("%s TLS connection established to %s: %s",
	    !info->has_cert                 ? "Anonymous"
	    : s->is_proved                  ? "Verified"
	    : info->is_trusted && !is_named ? "Trusted"
					    : "Untrusted",
	    s->relay.p, text.p);
}

/* ---- a handshake ---- */

/* SECURITY: what was agreed on under another policy, or with another server,
 * is not taken up again. */
static void
add_session_key(const struct session *s, struct buf *key)
{
	buf_addf(key, "%s %s", s->relay.p, s->policy_key.p);
}

static int
connect_tls(struct session *s, struct arena *a, struct buf *why)
{
	BUF_CLEANUP struct buf key = {0};
	const struct tls_policy *p = s->policy;
	struct aged *sessions = secure_of(s)->sessions;

	buf_init(&key, KEY_MAX);
	add_session_key(s, &key);
	const struct tls_ask ask = {
	    .name = cstr(p->server_name, a),
	    .grade = &p->grade,
	    .session = aged_get(sessions, buf_str(&key)),
	};
	stream_deadline(&s->stream, clock_after(secure_of(s)->time));
	int e = tls_connect(&s->stream, secure_of(s)->context, &ask, why);
	if (e != 0)
		aged_del(sessions, buf_str(&key));
	return e;
}

bool
secure_shake_hands(struct session *s, struct fail *why)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf errors = {0};
	const char *fault;

	arena_init(&a, KEY_MAX);
	buf_init(&errors, WHY_MAX);
	if (secure_of(s)->loglevel >= 2)
		log_info("setting up TLS connection to %s", s->relay.p);
	int e = connect_tls(s, &a, &errors);
	if (e != 0) {
		log_failure(s, e, buf_str(&errors));
		s->is_dead = s->is_tls_broken = true;
		fail_set(why, "4.7.5", "Cannot start TLS: handshake failure");
		return false;
	}
	fault = find_fault(s, tls_info(&s->stream), &a);
	log_success(s, tls_info(&s->stream), &a);
	if (fault == NULL)
		return true;
	fail_set(why, "4.7.5", "%s", fault);
	session_leave(s);
	return false;
}

void
secure_keep(struct session *s)
{
	BUF_CLEANUP struct buf key = {0};
	struct tls_session *session;

	if (s->settings->secure == NULL || s->stream.io.fd < 0 ||
	    tls_info(&s->stream) == NULL || !s->is_ready)
		return;
	session = tls_session_get(&s->stream);
	if (session == NULL)
		return;
	buf_init(&key, KEY_MAX);
	add_session_key(s, &key);
	aged_put(secure_of(s)->sessions, buf_str(&key), session);
}

/* ---- STARTTLS ---- */

/* False with *why: it is needed, and is not to be had. */
static bool
go_without(struct session *s, struct fail *why)
{
	if (s->policy->level <= POLICY_MAY)
		return true;
	fail_set(why, "4.7.4",
	    "TLS is required, but was not offered by host %s", s->name.p);
	session_leave(s);
	return false;
}

static bool
is_refused(struct session *s, const struct reply *r, struct fail *why)
{
	if (s->policy->level <= POLICY_MAY && !s->is_dead)
		return true;
	fail_tls(why, r, s->name.p);
	session_leave(s);
	return false;
}

/* RFC 3207 section 4.2.  SECURITY: what came with the reply came from who
 * stands between: none of it is read as the server's. */
static bool
is_injected(struct session *s, struct fail *why)
{
	if (!stream_has_input(&s->stream))
		return false;
	s->is_dead = true;
	s->transcript.troubles |= NOTICE_PROTOCOL;
	log_warning(
	    "%s: sent more than its reply to STARTTLS: closed", s->relay.p);
	fail_set(why, "4.7.5",
	    "Cannot start TLS: host %s sent more than its reply to STARTTLS",
	    s->name.p);
	return true;
}

static bool
ask(struct session *s, struct reply *r, struct fail *why, bool *ret_is_new)
{
	stream_deadline(&s->stream, clock_after(secure_of(s)->time));
	int e = session_send(s, STR("STARTTLS"));

	if (e == 0)
		e = session_reply(s, r, secure_of(s)->time);
	if (e != 0) {
		session_broke(s, e, r, "sending STARTTLS", why);
		return false;
	}
	if (!reply_is_positive(r))
		return is_refused(s, r, why);
	if (is_injected(s, why) || !secure_shake_hands(s, why))
		return false;
	*ret_is_new = true;
	return true;
}

bool
secure_start(struct session *s, struct fail *why, bool *ret_is_new)
{
	struct reply r;

	*ret_is_new = false;
	if (tls_info(&s->stream) != NULL)
		return true;
	if (s->policy->level == POLICY_NONE) {
		if (s->has_starttls && s->settings->notes_starttls)
			log_info("Host offered STARTTLS: [%s]", s->host.p);
		return true;
	}
	if (!s->has_starttls)
		return go_without(s, why);
	reply_init(&r);
	bool ok = ask(s, &r, why, ret_is_new);
	reply_done(&r);
	return ok;
}
