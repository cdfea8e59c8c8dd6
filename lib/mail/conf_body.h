/* SPDX-License-Identifier: ISC */
/*
 * conf_body - the inside of struct conf, for the files conf*.c alone.
 *
 * A conf is made in three steps: settings are put, the facts about the host
 * are found (or decoded), and every parameter is evaluated once.  From then
 * on it is read-only.
 */
#ifndef MAIL_CONF_BODY_H
#define MAIL_CONF_BODY_H

#include "base/arena.h"
#include "base/map.h"
#include "mail/conf.h"

#define CONF_SETTINGS_MAX   10000
#define CONF_INTERFACES_MAX 8192 /* more addresses are left out */
#define CONF_ARENA_MAX      ((size_t)256 * 1024 * 1024)

struct conf_value {
	struct str text; /* expanded */
	int64_t number;  /* of a type that has one */
	bool is_known;   /* evaluated */
	bool is_wrong;   /* which was said; the text is as it was written */
};

/* What was set under one name. */
struct conf_entry {
	struct conf_setting set;
	struct conf_value value;
};

struct conf {
	struct arena arena;
	struct str dir;
	struct str host;       /* as gethostname(2) says */
	struct str origin;     /* first line of the file that myorigin names */
	struct str interfaces; /* as getifaddrs(3) says; p is NULL: not asked */
	struct map names;      /* to struct conf_entry */
	struct conf_entry **sorted;
	size_t count;
	struct conf_value values[PARAM_COUNT];
	bool is_wrong; /* something was an error, which was said */
	/* Settings of a cleanup service, and all with these on top; NULL when
	 * there are none. */
	struct conf_setting *cleanup_settings;
	size_t cleanup_count;
	struct conf *cleanup;
};

/* Where remarks go, and whether one of them was an error. */
struct conf_remarks {
	conf_remark_fn say;
	void *arg;
	bool failed;
};
void conf_remark(struct conf_remarks *r, enum conf_severity severity,
    const struct conf_setting *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

struct conf *conf_make(struct str dir);
void conf_put(
    struct conf *c, const struct conf_setting *s, struct conf_remarks *r);
void conf_find_facts(struct conf *c, struct conf_remarks *r);
void conf_evaluate(struct conf *c, struct conf_remarks *r); /* after facts */
const struct conf_entry *conf_entry(const struct conf *c, struct str name);

/* As conf_expand, appending to `out`. */
int conf_expand_to(const struct conf *c, struct str text, struct buf *out,
    const char **ret_why);

/* Is `text` a value for the row?  0 with the number, or -EINVAL, `why`. */
int conf_value_parse(const struct param_row *row, struct str text, int64_t *ret,
    struct buf *why);

/* Says what is wrong with a value that the parameter's type lets pass. */
void conf_check_value(const struct conf *c, enum param p,
    const struct conf_setting *at, struct conf_remarks *r);
/* Part of it: false when it is not about TLS. */
bool conf_check_tls(const struct conf *c, enum param p,
    const struct conf_setting *at, struct conf_remarks *r);

/* Says why one that is set does not work, if so. */
void conf_check_setting(
    const struct conf *c, const struct conf_setting *s, struct conf_remarks *r);

/* conf_overlay, there also when something was an error. */
struct conf *conf_overlay_anyway(const struct conf *c,
    const struct conf_setting *settings, size_t n, struct conf_remarks *r);

/* Give it conf_cleanup() of its own; an error is in `r`. */
void conf_set_cleanup(struct conf *c, const struct conf_setting *settings,
    size_t n, struct conf_remarks *r);

/* The same for all that one service's -o set, which are in `c`. */
void conf_check_overlay(const struct conf *c,
    const struct conf_setting *settings, size_t n, struct conf_remarks *r);

/* Says which names nobody knows, of main.cf and of -o in master.cf. */
void conf_check_names(
    const struct conf *c, struct str master_cf, struct conf_remarks *r);

#endif
