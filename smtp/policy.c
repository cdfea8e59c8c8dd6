/* SPDX-License-Identifier: ISC */
/* policy - from parameters and the table to one value. */
#include "policy.h"

#include "base/log.h"
#include "net/ip.h"
#include "settings.h"

#define SEPARATORS ", \t\r\n"
#define ARENA_MAX  ((size_t)1024 * 1024)
#define LIST_MAX   ((size_t)16 * 1024)

static enum param
twin(const struct policies *p, enum param param)
{
	return settings_twin(p->is_lmtp, param);
}

static struct str
text(const struct policies *p, enum param param)
{
	return conf_str(p->conf, twin(p, param));
}

/* ---- levels ---- */

static bool
parse_level(struct str word, enum policy_level *ret)
{
	static const struct {
		const char *word;
		enum policy_level level;
	} levels[] = {
	    {"none", POLICY_NONE},
	    {"may", POLICY_MAY},
	    /* As Postfix has it where nothing is published. */
	    {"dane", POLICY_MAY},
	    {"encrypt", POLICY_ENCRYPT},
	    {"fingerprint", POLICY_FINGERPRINT},
	    {"verify", POLICY_VERIFY},
	    {"secure", POLICY_SECURE},
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (str_eq_case(word, str_c(levels[i].word))) {
			*ret = levels[i].level;
			return true;
		}
	return false;
}

/* Without a level: what it was called before there were levels; SMTP may, a
 * server of LMTP is near by. */
static enum policy_level
old_level(const struct policies *p)
{
	if (!conf_bool(p->conf, twin(p, PARAM_smtp_enforce_tls)))
		return p->is_lmtp &&
		               !conf_bool(p->conf, twin(p, PARAM_smtp_use_tls))
		           ? POLICY_NONE
		           : POLICY_MAY;
	return conf_bool(p->conf, twin(p, PARAM_smtp_tls_enforce_peername))
	           ? POLICY_VERIFY
	           : POLICY_ENCRYPT;
}

/* A grade's ciphers, but for those that are never used, and for `exclude`, or
 * in its place what is not used where TLS is a must. */
static int
make_ciphers(const struct policies *p, bool is_strict, struct str grade,
    struct str exclude, struct arena *a, struct tls_grade *ret, struct buf *why)
{
	BUF_CLEANUP struct buf all = {0};

	if (exclude.len == 0 && is_strict)
		exclude = text(p, PARAM_smtp_tls_mandatory_exclude_ciphers);
	buf_init(&all, 2 * LIST_MAX);
	buf_addf(&all, "%.*s %.*s",
	    STR_ARG(text(p, PARAM_smtp_tls_exclude_ciphers)), STR_ARG(exclude));
	return tls_grade_ciphers(p->conf, grade, buf_str(&all), a, ret, why);
}

static struct str
grade_of(const struct policies *p, bool is_strict)
{
	return text(p, is_strict ? PARAM_smtp_tls_mandatory_ciphers
				 : PARAM_smtp_tls_ciphers);
}

/* ---- at the start ---- */

static bool
read_grade(struct policies *p, bool is_strict, struct buf *why)
{
	struct tls_grade *ret = is_strict ? &p->strict : &p->loose;

	return tls_grade_protocols(
		   text(p, is_strict ? PARAM_smtp_tls_mandatory_protocols
				     : PARAM_smtp_tls_protocols),
		   ret, why) == 0 &&
	       make_ciphers(p, is_strict, grade_of(p, is_strict), STR_NONE,
		   &p->arena, ret, why) == 0;
}

bool
policies_open(struct policies *p, const struct conf *c,
    const struct dict_env *env, struct buf *why)
{
	*p = (struct policies){
	    .conf = c,
	    .is_lmtp = str_eq(conf_str(c, PARAM_process_name), STR("lmtp")),
	};
	enum param level = twin(p, PARAM_smtp_tls_security_level);
	struct str word = conf_str(c, level);

	arena_init(&p->arena, ARENA_MAX);
	if (word.len == 0)
		p->level = old_level(p);
	else if (!parse_level(word, &p->level)) {
		buf_addf(why, "%s: \"%.*s\" does not work",
		    param_table[level].name, STR_ARG(word));
		return false;
	}
	if (str_eq_case(word, STR("dane")))
		log_warning("%s = dane: there is no DANE yet: it is as may",
		    param_table[level].name);
	p->maps = maps_open(env, text(p, PARAM_smtp_tls_policy_maps), why);
	return p->maps != NULL && read_grade(p, false, why) &&
	       read_grade(p, true, why);
}

void
policies_done(struct policies *p)
{
	maps_free(&p->maps);
	arena_done(&p->arena);
}

/* ---- one ---- */

/* What is said of one next hop, before it is made a policy. */
struct said {
	enum policy_level level;
	bool keeps;
	struct str ciphers, protocols, server_name; /* p NULL: not said */
	struct buf exclude, match;
};

static bool
take_bool(struct str value, bool *ret)
{
	*ret = str_eq_case(value, STR("yes"));
	return *ret || str_eq_case(value, STR("no"));
}

static bool
take_attribute(struct said *s, struct str name, struct str value)
{
	if (str_eq_case(name, STR("ciphers")))
		s->ciphers = value;
	else if (str_eq_case(name, STR("protocols")))
		s->protocols = value;
	else if (str_eq_case(name, STR("servername")))
		s->server_name = value;
	else if (str_eq_case(name, STR("exclude")))
		buf_addf(&s->exclude, " %.*s", STR_ARG(value));
	else if (str_eq_case(name, STR("match")))
		buf_addf(&s->match,
		    s->level == POLICY_FINGERPRINT ? "|%.*s" : ":%.*s",
		    STR_ARG(value));
	else if (str_eq_case(name, STR("connection_reuse")))
		return take_bool(value, &s->keeps);
	else
		return false;
	return true;
}

/* "level name=value { name = value } ..." */
static enum find
parse_value(struct said *s, struct str value, struct buf *why)
{
	struct str item, name, word, rest = value;
	int e = dict_list_next(&rest, &item);

	if (e == 0 && !parse_level(item, &s->level)) {
		buf_addf(why, "\"%.*s\" is no level that works", STR_ARG(item));
		return FIND_BROKEN;
	}
	while (
	    e == 0 && (e = dict_list_next(&rest, &item)) == 0 && item.len > 0) {
		bool is_pair = str_cut(item, '=', &name, &word);
		name = str_trim(name);
		word = str_trim(word);
		if (is_pair && word.len > 0 && take_attribute(s, name, word))
			continue;
		buf_addf(
		    why, "\"%.*s\" is no attribute that works", STR_ARG(item));
		return FIND_BROKEN;
	}
	if (e == 0 && !s->exclude.full && !s->match.full)
		return FIND_YES;
	buf_add_c(why, e != 0 ? "a brace is missing" : "it is too long");
	return FIND_BROKEN;
}

/* Of a name that is a domain alone its parents too: ".example.com". */
static enum find
find_value(const struct policies *p, struct str nexthop, struct arena *a,
    struct str *ret)
{
	enum find found = maps_get(p->maps, nexthop, a, ret);
	bool is_bare = !str_has_char(nexthop, '[') &&
	               !str_has_char(nexthop, ':') &&
	               !str_has_char(nexthop, '/');
	ptrdiff_t dot;

	while (found == FIND_NO && is_bare && nexthop.len > 0 &&
	       (dot = str_find(str_from(nexthop, 1), '.')) >= 0) {
		nexthop = str_from(nexthop, (size_t)dot + 1);
		found = maps_get(p->maps, nexthop, a, ret);
	}
	return found;
}

/* "example.com" of "[example.com]:587" and of "example.com:587". */
static struct str
domain_of(struct str nexthop)
{
	if (str_has_prefix(nexthop, STR("["))) {
		str_cut(str_from(nexthop, 1), ']', &nexthop, NULL);
		return nexthop;
	}
	str_cut(nexthop, ':', &nexthop, NULL);
	return nexthop;
}

/* "hostname, nexthop, dot-nexthop, .example.com" as names. */
static struct str
make_names(
    struct str list, struct str host, struct str nexthop, struct arena *a)
{
	BUF_CLEANUP struct buf names = {0};
	struct str word, domain = domain_of(nexthop);

	buf_init(&names, LIST_MAX);
	while ((word = str_word(&list, ": ,\t\r\n")).len > 0) {
		if (str_eq_case(word, STR("hostname")))
			buf_addf(&names, "%.*s ", STR_ARG(host));
		else if (str_eq_case(word, STR("nexthop")))
			buf_addf(&names, "%.*s ", STR_ARG(domain));
		else if (str_eq_case(word, STR("dot-nexthop")))
			buf_addf(&names, ".%.*s ", STR_ARG(domain));
		else
			buf_addf(&names, "%.*s ", STR_ARG(word));
	}
	return arena_str(a, buf_str(&names));
}

static struct str
make_fingerprints(struct str list, struct arena *a)
{
	BUF_CLEANUP struct buf all = {0};
	struct str word;

	buf_init(&all, LIST_MAX);
	while ((word = str_word(&list, "| ,\t\r\n")).len > 0)
		buf_addf(&all, "%.*s ", STR_ARG(word));
	return arena_str(a, buf_str(&all));
}

static struct str
make_match(const struct policies *p, const struct said *s, struct str host,
    struct str nexthop, struct arena *a)
{
	struct str said = buf_str(&s->match);

	switch (s->level) {
	case POLICY_FINGERPRINT:
		return make_fingerprints(
		    said.len > 0
			? said
			: text(p, PARAM_smtp_tls_fingerprint_cert_match),
		    a);
	case POLICY_VERIFY:
		return make_names(
		    said.len > 0 ? said
				 : text(p, PARAM_smtp_tls_verify_cert_match),
		    host, nexthop, a);
	case POLICY_SECURE:
		return make_names(
		    said.len > 0 ? said
				 : text(p, PARAM_smtp_tls_secure_cert_match),
		    host, nexthop, a);
	case POLICY_NONE:
	case POLICY_MAY:
	case POLICY_ENCRYPT:
		break;
	}
	return STR_NONE;
}

static struct str
make_server_name(const struct policies *p, const struct said *s,
    struct str host, struct str nexthop)
{
	struct str name = s->server_name.p != NULL
	                      ? s->server_name
	                      : text(p, PARAM_smtp_tls_servername);

	struct ip ip;

	if (str_eq_case(name, STR("hostname")))
		name = host;
	else if (str_eq_case(name, STR("nexthop")))
		name = domain_of(nexthop);
	/* RFC 6066 section 3: an address is no name. */
	return ip_parse(name, &ip) == 0 ? STR_NONE : name;
}

/* The parameters', or what the table says instead of them. */
static bool
make_grade(const struct policies *p, const struct said *s, struct arena *a,
    struct tls_grade *ret, struct buf *why)
{
	bool is_strict = s->level >= POLICY_ENCRYPT;

	*ret = is_strict ? p->strict : p->loose;
	if (s->protocols.p != NULL &&
	    tls_grade_protocols(s->protocols, ret, why) != 0)
		return false;
	if (s->ciphers.p == NULL && s->exclude.len == 0)
		return true;
	return make_ciphers(p, is_strict,
		   s->ciphers.p != NULL ? s->ciphers : grade_of(p, is_strict),
		   buf_str(&s->exclude), a, ret, why) == 0;
}

static void
set_key(struct tls_policy *p, struct arena *a)
{
	p->key = arena_strf(a, "%d %d %d %x %x %s|%.*s|%.*s|%.*s", p->level,
	    p->wraps, p->keeps, p->grade.min, p->grade.max, p->grade.ciphers,
	    STR_ARG(p->match), STR_ARG(p->digest), STR_ARG(p->server_name));
}

static enum find
make(const struct policies *p, const struct said *s, struct str host,
    struct str nexthop, struct arena *a, struct tls_policy *ret,
    struct buf *why)
{
	struct tls_policy made = {
	    .level = s->level,
	    .keeps = s->keeps,
	    .wraps = conf_bool(p->conf, twin(p, PARAM_smtp_tls_wrappermode)),
	    .match = make_match(p, s, host, nexthop, a),
	    .digest = text(p, PARAM_smtp_tls_fingerprint_digest),
	    .server_name = arena_str(a, make_server_name(p, s, host, nexthop)),
	};

	if (!make_grade(p, s, a, &made.grade, why))
		return FIND_BROKEN;
	if (made.wraps && made.level < POLICY_ENCRYPT) {
		buf_add_c(why, "smtp_tls_wrappermode needs the level encrypt, "
			       "or a stronger one");
		return FIND_BROKEN;
	}
	if (s->match.len > 0 && made.match.len == 0) {
		buf_add_c(why, "match= is for fingerprint, verify, secure");
		return FIND_BROKEN;
	}
	set_key(&made, a);
	if (made.key.len > POLICY_KEY_MAX) {
		buf_add_c(why, "it is too long");
		return FIND_BROKEN;
	}
	*ret = made;
	return FIND_YES;
}

enum find
policy_get(const struct policies *p, struct str host, struct str nexthop,
    struct arena *a, struct tls_policy *ret, struct buf *why)
{
	struct said said = {.level = p->level, .keeps = true};
	enum find found = FIND_YES;
	struct str value;

	buf_init(&said.exclude, LIST_MAX);
	buf_init(&said.match, LIST_MAX);
	if (!maps_is_empty(p->maps)) {
		found = find_value(p, nexthop, a, &value);
		if (found == FIND_YES)
			found = parse_value(&said, value, why);
		else if (found == FIND_NO)
			found = FIND_YES;
		else
			buf_add_c(why, "the table cannot be asked");
	}
	if (found == FIND_YES)
		found = make(p, &said, host, nexthop, a, ret, why);
	buf_done(&said.exclude);
	buf_done(&said.match);
	return found;
}

void
policy_drop(struct tls_policy *p)
{
	*p = (struct tls_policy){.level = POLICY_NONE,
	    .keeps = false,
	    .key = STR("in place of TLS")};
}
