/* SPDX-License-Identifier: ISC */
/* key_files - the files of a service's keys. */
#include "mail/key_files.h"

#include "dict/dict.h"

#define SEPARATORS ", \t\r\n"
#define NONE       STR("none")
#define PAIRS      3

/* The parameters of one side. */
static const struct side {
	enum param chains;
	enum param pairs[PAIRS][2]; /* certificate, key */
} sides[] = {
    {PARAM_smtpd_tls_chain_files,
	{{PARAM_smtpd_tls_cert_file, PARAM_smtpd_tls_key_file},
	    {PARAM_smtpd_tls_eccert_file, PARAM_smtpd_tls_eckey_file},
	    {PARAM_smtpd_tls_dcert_file, PARAM_smtpd_tls_dkey_file}}},
    {PARAM_smtp_tls_chain_files,
	{{PARAM_smtp_tls_cert_file, PARAM_smtp_tls_key_file},
	    {PARAM_smtp_tls_eccert_file, PARAM_smtp_tls_eckey_file},
	    {PARAM_smtp_tls_dcert_file, PARAM_smtp_tls_dkey_file}}},
    {PARAM_lmtp_tls_chain_files,
	{{PARAM_lmtp_tls_cert_file, PARAM_lmtp_tls_key_file},
	    {PARAM_lmtp_tls_eccert_file, PARAM_lmtp_tls_eckey_file},
	    {PARAM_lmtp_tls_dcert_file, PARAM_lmtp_tls_dkey_file}}},
};

static const struct side *
side_of(const struct conf *c, enum keys_role role)
{
	if (role == KEYS_SERVER)
		return &sides[0];
	return str_eq(conf_str(c, PARAM_process_name), STR("lmtp")) ? &sides[2]
	                                                            : &sides[1];
}

static void
add_path(struct keys_source *s, struct str path, struct arena *a)
{
	struct keys_file *file = s->files.p;

	if (s->files.n < KEYS_FILES_MAX && path.len <= KEYS_PATH_MAX)
		file[s->files.n++].path = arena_str(a, path);
}

static struct keys_source *
new_source(struct keys_service *s, size_t files, struct arena *a)
{
	struct keys_source *source =
	    (struct keys_source *)s->sources.p + s->sources.n++;

	source->files.p = arena_array(a, files, sizeof(struct keys_file));
	return source;
}

static void
add_chains(struct keys_service *s, struct str list, struct arena *a)
{
	struct keys_source *source = new_source(s, KEYS_FILES_MAX, a);
	struct str path;

	while ((path = str_word(&list, SEPARATORS)).len > 0)
		add_path(source, path, a);
}

static void
add_pair(
    struct keys_service *s, struct str cert, struct str key, struct arena *a)
{
	struct keys_source *source = new_source(s, 1, a);

	add_path(source, cert, a);
	if (key.len <= KEYS_PATH_MAX)
		source->key_file = arena_str(a, key);
}

static void
add_sources(struct keys_service *s, const struct conf *c,
    const struct side *side, struct arena *a)
{
	struct str chains = str_trim(conf_str(c, side->chains));

	s->sources.p = arena_array(a, PAIRS, sizeof(struct keys_source));
	if (chains.len > 0) {
		if (!str_eq(chains, NONE))
			add_chains(s, chains, a);
		return;
	}
	for (size_t i = 0; i < PAIRS; i++) {
		struct str cert = str_trim(conf_str(c, side->pairs[i][0]));

		if (cert.len > 0 && !str_eq(cert, NONE))
			add_pair(s, cert,
			    str_trim(conf_str(c, side->pairs[i][1])), a);
	}
}

/* Is no certificate wanted, said by a file's name that is "none"? */
static bool
is_none_wanted(const struct conf *c, const struct side *side)
{
	return str_eq(str_trim(conf_str(c, side->chains)), NONE) ||
	       str_eq(str_trim(conf_str(c, side->pairs[0][0])), NONE);
}

/* As smtpd has it: the old names count where the new one says nothing. */
static bool
is_tls_offered(const struct conf *c)
{
	struct str level =
	    str_trim(conf_str(c, PARAM_smtpd_tls_security_level));

	if (conf_bool(c, PARAM_smtpd_tls_wrappermode))
		return true;
	if (level.len > 0)
		return !str_eq_case(level, NONE);
	return conf_bool(c, PARAM_smtpd_use_tls) ||
	       conf_bool(c, PARAM_smtpd_enforce_tls);
}

void
key_files_of(const struct conf *c, enum keys_role role, struct str client,
    struct arena *a, struct keys_service *ret)
{
	const struct side *side = side_of(c, role);

	*ret = (struct keys_service){
	    .client = arena_str(a, client),
	    .role = role,
	    .own = role == KEYS_SERVER && is_tls_offered(c) &&
	           !is_none_wanted(c, side),
	    .rate = (uint64_t)conf_int(c, PARAM_keys_signature_rate_limit),
	};
	add_sources(ret, c, side, a);
	if (role != KEYS_SERVER)
		return;
	ret->names = arena_str(a, conf_str(c, PARAM_tls_server_sni_maps));
	ret->ticket_life =
	    (uint64_t)(conf_time(c, PARAM_smtpd_tls_session_cache_timeout) /
		       CLOCK_SEC);
}

void
key_files_each(const struct keys_service *s,
    void (*each)(void *arg, struct str name), void *arg)
{
	const struct keys_source *source = s->sources.p;
	struct str rest = s->names, table;

	for (size_t i = 0; i < s->sources.n; i++) {
		const struct keys_file *file = source[i].files.p;

		for (size_t k = 0; k < source[i].files.n; k++)
			each(arg, file[k].path);
		if (source[i].key_file.len > 0)
			each(arg, source[i].key_file);
	}
	while (dict_list_next(&rest, &table) == 0 && table.len > 0)
		each(arg, table);
}
