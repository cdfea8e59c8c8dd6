/* SPDX-License-Identifier: ISC */
/*
 * conf - the configuration as a value.
 *
 * master (and each tool) reads main.cf and master.cf into a struct conf;
 * a program gets it encoded, with the -o settings of its own master.cf entry
 * laid over it, and decodes it before it takes its first request.  Nothing
 * else reads configuration.  A struct conf does not change; a reload makes
 * another one.
 *
 * Parameters stand in lib/mail/param.def, one row each: name, type, default,
 * bounds, the programs that use it, one sentence.  From the row come the
 * enum below, parsing, checking, postconf, the manual page and "did you
 * mean".  A parameter of Postfix's that Valija does not have stands there
 * too, with the reason (param.h).
 *
 *	struct str name = conf_str(c, PARAM_myhostname);
 *	int64_t wait = conf_time(c, PARAM_smtpd_timeout);
 */
#ifndef MAIL_CONF_H
#define MAIL_CONF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "mail/param.h"

#include <stdbool.h>
#include <stdint.h>

#define CONF_VALUE_MAX (256 * 1024)

struct conf;

/* One thing to say about a configuration: "file, line 7: text". */
enum conf_severity {
	CONF_NOTE,
	CONF_WARNING,
	CONF_ERROR
};
struct conf_remark {
	enum conf_severity severity;
	struct str file;
	unsigned line; /* 0: none */
	struct str text;
};
typedef void (*conf_remark_fn)(void *arg, const struct conf_remark *r);

/* One "name = value" of a file or of -o, as it was written. */
struct conf_setting {
	struct str name;
	struct str value;
	struct str file; /* empty: none, as on a command line */
	uint64_t line;
};

/*
 * Read `dir`/main.cf.  (master.cf is looked into for the names that it uses;
 * it is read by mail/master_cf.h.)  Everything that is wrong or odd goes to
 * `say`, which may be NULL, with its line; NULL when something was an error.
 * `dir` need not hold a main.cf: then all is default.
 */
struct conf *conf_read(const char *dir, conf_remark_fn say, void *arg);
void conf_free(struct conf **c);

/* conf_read for those who show it, or say all that is wrong before they give
 * it up (conf_check): errors are said, and the value is there all the same
 * (what is not acceptable, as it was written).  NULL only when a file cannot
 * be read. */
struct conf *conf_read_anyway(const char *dir, conf_remark_fn say, void *arg);

/* conf_read of texts that are at hand. */
struct conf *conf_from_text(const char *dir, struct str main_cf,
    struct str master_cf, conf_remark_fn say, void *arg);

/* For programs: to and from the bytes that master hands over. */
int conf_encode(const struct conf *c, struct buf *out);
struct conf *conf_decode(struct str bytes); /* NULL: not ours */

/* A copy with more settings on top (-o of master.cf, postconf -o); NULL when
 * one was an error. */
struct conf *conf_overlay(const struct conf *c,
    const struct conf_setting *settings, size_t n, conf_remark_fn say,
    void *arg);
struct conf *conf_override(
    const struct conf *c, struct str name, struct str value);

/* What the messages go by that a program takes in: `c` with the settings of
 * the cleanup service whose work it does (master_cf_conf) on top; lives as
 * long as `c`. */
const struct conf *conf_cleanup(const struct conf *c);

/*
 * Values, expanded and checked: what was not acceptable became an error in
 * conf_read or conf_check, so these cannot fail.  A str lives as long as the
 * conf.  Time is in nanoseconds (base/clock.h), sizes in bytes.
 */
struct str conf_str(const struct conf *c, enum param p);
bool conf_bool(const struct conf *c, enum param p);
int64_t conf_int(const struct conf *c, enum param p);
/* Is it one of the list's items, ASCII case ignored? */
bool conf_has_word(const struct conf *c, enum param p, struct str word);
int64_t conf_time(const struct conf *c, enum param p);

/* By name, user-made parameters (restriction classes) and
 * X_destination_... included; false when nobody set it.  Expanded, but for
 * what conf_str would not expand either. */
bool conf_by_name(const struct conf *c, struct str name, struct str *ret);

/*
 * The value of a per-transport parameter: "smtp" and
 * PARAM_default_destination_concurrency_limit give
 * smtp_destination_concurrency_limit, or the default's value.
 */
int64_t conf_transport(
    const struct conf *c, struct str transport, enum param p_default);
struct str conf_transport_str(
    const struct conf *c, struct str transport, enum param p_default);

/*
 * Expand what main.cf may have in `text`: $name, ${name}, $(name),
 * ${name?text}, ${name:text}, ${name?{text}:{text}},
 * ${{text} == {text} ? {text} : {text}} with == != < <= >= > (numbers as
 * numbers) and ==level ... >level for compatibility levels, $$ for a dollar.
 * What nobody set is empty.  0; -EINVAL (form), -ELOOP (names that refer to
 * themselves), -EMSGSIZE, with *ret_why.
 */
int conf_expand(const struct conf *c, struct str text, struct arena *a,
    struct str *ret, const char **ret_why);

/* Calls `each` for every name that `text` refers to. */
void conf_names_in(
    struct str text, void (*each)(void *arg, struct str name), void *arg);

/* A value as main.cf or the default has it, not expanded; empty when nobody
 * knows the name.  And where it was set. */
struct str conf_raw(const struct conf *c, struct str name);
bool conf_setting_at(const struct conf *c, size_t i,
    struct conf_setting *ret); /* all that were set, sorted by name */
bool conf_where(const struct conf *c, struct str name, struct str *ret_file,
    unsigned *ret_line);

/*
 * Check what programs would make of it: restriction names, types of tables,
 * a guard against open relaying.  Says once for each parameter that is set
 * and does not work why not: a warning when something is missed, else a note.
 * Remarks as in conf_read; false when one was an error, or one was said by
 * conf_read_anyway.
 */
bool conf_check(const struct conf *c, conf_remark_fn say, void *arg);

/*
 * Calls `each` with every table ("type:name") and every list's file ("/name")
 * that programs of `users` (enum param_user) would open; conf_cleanup()'s too.
 */
typedef void (*conf_table_fn)(void *arg, struct str table);
void conf_each_table(
    const struct conf *c, unsigned users, conf_table_fn each, void *arg);

/* The same for every server, none of the suite's, that they would connect to
 * (net/endpoint.h). */
typedef void (*conf_endpoint_fn)(void *arg, struct str endpoint);
void conf_each_endpoint(
    const struct conf *c, unsigned users, conf_endpoint_fn each, void *arg);

/* The one that knows who may log in, as an endpoint ("unix:private/auth" for
 * "private/auth"), in `a`; empty: the suite's own program. */
struct str conf_auth_server(const struct conf *c, struct arena *a);

/* The addresses of this host when main.cf was read, blanks between them. */
struct str conf_interfaces(const struct conf *c);

const char *conf_dir(const struct conf *c);

#endif
