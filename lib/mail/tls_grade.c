/* SPDX-License-Identifier: ISC */
/* tls_grade - from main.cf's words to bounds and OpenSSL's cipher lists. */
#include "mail/tls_grade.h"

#include <errno.h>

#define SEPARATORS ", \t\r\n:"
#define LIST_MAX   (64 * 1024)

/* ---- protocols ---- */

static const struct protocol_name {
	const char *name;
	int version;
} protocol_names[] = {
    {"SSLv2", 0x0002},
    {"SSLv3", 0x0300},
    {"TLSv1", 0x0301},
    {"TLSv1.1", 0x0302},
    {"TLSv1.2", TLS_1_2},
    {"TLSv1.3", TLS_1_3},
};

static int
version_of(struct str name)
{
	for (size_t i = 0;
	     i < sizeof(protocol_names) / sizeof(protocol_names[0]); i++)
		if (str_eq_case(name, str_c(protocol_names[i].name)))
			return protocol_names[i].version;
	return -1;
}

/* The two that there are, as bits. */
enum {
	HAS_1_2 = 1 << 0,
	HAS_1_3 = 1 << 1,
	HAS_ALL = HAS_1_2 | HAS_1_3,
};

static unsigned
bit_of(int version)
{
	return version == TLS_1_2 ? HAS_1_2 : version == TLS_1_3 ? HAS_1_3 : 0;
}

struct protocols {
	unsigned named, excluded, bounded; /* bounded: what a bound takes out */
	bool has_names;
};

/* One word of the list; false when it is none. */
static bool
take_protocol(struct protocols *p, struct str word)
{
	bool is_floor = str_has_prefix(word, STR(">="));
	bool is_ceiling = str_has_prefix(word, STR("<="));
	bool is_out = str_has_prefix(word, STR("!"));
	int version = version_of(str_from(word, is_floor || is_ceiling ? 2
						: is_out               ? 1
								       : 0));

	if (version < 0)
		return false;
	if (is_floor)
		p->bounded |= version > TLS_1_2 ? HAS_1_2 : 0;
	else if (is_ceiling)
		p->bounded |= (version < TLS_1_3 ? HAS_1_3 : 0) |
		              (version < TLS_1_2 ? HAS_1_2 : 0);
	else if (is_out)
		p->excluded |= bit_of(version);
	else
		p->named |= bit_of(version);
	p->has_names |= !is_floor && !is_ceiling && !is_out;
	return true;
}

int
tls_grade_protocols(struct str list, struct tls_grade *ret, struct buf *why)
{
	struct protocols p = {0};
	struct str word, rest = list;
	unsigned all;

	while ((word = str_word(&rest, SEPARATORS)).len > 0)
		if (!take_protocol(&p, word)) {
			buf_addf(why,
			    "\"%.*s\" is no protocol: TLSv1.2 and TLSv1.3 are, "
			    "with >=, <= or ! in front",
			    STR_ARG(word));
			return -EINVAL;
		}
	all = (p.has_names ? p.named : HAS_ALL) & ~(p.excluded | p.bounded);
	if (all == 0) {
		buf_addf(why,
		    "\"%.*s\" leaves no protocol: there are TLSv1.2 and "
		    "TLSv1.3",
		    STR_ARG(list));
		return -EINVAL;
	}
	ret->min = all & HAS_1_2 ? TLS_1_2 : TLS_1_3;
	ret->max = all & HAS_1_3 ? 0 : TLS_1_2;
	return 0;
}

/* ---- ciphers ---- */

int
tls_grade_ciphers(const struct conf *c, struct str grade, struct str exclude,
    struct arena *a, struct tls_grade *ret, struct buf *why)
{
	BUF_CLEANUP struct buf list = {0};
	struct str word;
	enum param p;

	if (str_eq_case(grade, STR("high"))) {
		p = PARAM_tls_high_cipherlist;
	} else if (str_eq_case(grade, STR("medium")) ||
		   str_eq_case(grade, STR("low")) ||
		   str_eq_case(grade, STR("export"))) {
		p = PARAM_tls_medium_cipherlist;
	} else {
		buf_addf(why, "\"%.*s\" is no grade: there are high and medium",
		    STR_ARG(grade));
		return -EINVAL;
	}
	buf_init(&list, LIST_MAX);
	buf_add_str(&list, conf_str(c, p));
	while ((word = str_word(&exclude, SEPARATORS)).len > 0) {
		if (str_has_char(STR("!+-@"), word.p[0])) {
			buf_addf(why,
			    "\"%.*s\": a cipher to exclude has no sign in "
			    "front",
			    STR_ARG(word));
			return -EINVAL;
		}
		buf_addf(&list, ":!%.*s", STR_ARG(word));
	}
	if (list.full) {
		buf_add_c(why, "the list of ciphers is too long");
		return -EINVAL;
	}
	ret->ciphers = arena_strf(a, "%s", list.p).p;
	return 0;
}

/* ---- groups ---- */

int
tls_grade_groups(const struct conf *c, struct str grade, struct arena *a,
    const char **ret, struct buf *why)
{
	BUF_CLEANUP struct buf list = {0};
	struct str rest, word;

	if (str_eq_case(grade, STR("auto"))) {
		rest = conf_str(c, PARAM_tls_eecdh_auto_curves);
	} else if (str_eq_case(grade, STR("strong"))) {
		rest = conf_str(c, PARAM_tls_eecdh_strong_curve);
	} else if (str_eq_case(grade, STR("ultra"))) {
		rest = conf_str(c, PARAM_tls_eecdh_ultra_curve);
	} else if (str_eq_case(grade, STR("none"))) {
		rest = STR_NONE;
	} else {
		buf_addf(why,
		    "\"%.*s\" is no grade: there are auto, strong, ultra and "
		    "none",
		    STR_ARG(grade));
		return -EINVAL;
	}
	buf_init(&list, LIST_MAX);
	while ((word = str_word(&rest, SEPARATORS)).len > 0)
		buf_addf(&list, ":%.*s", STR_ARG(word));
	rest = conf_str(c, PARAM_tls_ffdhe_auto_groups);
	while ((word = str_word(&rest, SEPARATORS)).len > 0)
		buf_addf(&list, ":%.*s", STR_ARG(word));
	if (list.full) {
		buf_add_c(why, "the list of groups is too long");
		return -EINVAL;
	}
	*ret = list.len == 0 ? NULL : arena_strf(a, "%s", list.p + 1).p;
	return 0;
}

/* ---- options ---- */

int
tls_grade_options(struct str list, unsigned *ret, struct buf *why)
{
	static const struct {
		const char *name;
		unsigned option; /* 0: so it is anyway */
	} options[] = {
	    {"ENABLE_MIDDLEBOX_COMPAT", 0},
	    {"LEGACY_SERVER_CONNECT", TLS_OLD_SERVERS},
	    {"NO_COMPRESSION", 0},
	    {"NO_RENEGOTIATION", 0},
	    {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", 0},
	    {"NO_TICKET", TLS_NO_TICKETS},
	    {"PRIORITIZE_CHACHA", TLS_CHACHA_FIRST},
	};
	const size_t n = sizeof(options) / sizeof(options[0]);
	struct str word;

	*ret = 0;
	while ((word = str_word(&list, SEPARATORS)).len > 0) {
		size_t i = 0;

		while (i < n && !str_eq_case(word, str_c(options[i].name)))
			i++;
		if (i == n) {
			buf_addf(why, "\"%.*s\" is none of", STR_ARG(word));
			for (i = 0; i < n; i++)
				buf_addf(why, " %s", options[i].name);
			return -EINVAL;
		}
		*ret |= options[i].option;
	}
	return 0;
}
