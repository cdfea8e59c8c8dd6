/* SPDX-License-Identifier: ISC */
/*
 * conf_evaluate - from settings to values: what the host says of itself,
 * then every parameter expanded and checked, once.
 */
#include "mail/conf_body.h"

#include "base/file.h"
#include "mail/addr.h"
#include "net/ip.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORIGIN_FILE_MAX 4096
#define NO_DOMAIN       "localdomain"

static void
know(struct conf *c, enum param p, struct str text)
{
	c->values[p].text = arena_str(&c->arena, text);
	c->values[p].is_known = true;
}

static const struct conf_setting *
place_of(const struct conf *c, struct str name)
{
	const struct conf_entry *entry = conf_entry(c, name);

	return entry != NULL ? &entry->set : NULL;
}

/* The expanded value if somebody set it and it is not empty. */
static bool
expand_set(
    struct conf *c, enum param p, struct buf *out, struct conf_remarks *r)
{
	const char *name = param_table[p].name, *why;
	const struct conf_setting *at = place_of(c, str_c(name));

	if (at == NULL)
		return false;
	if (conf_expand_to(c, at->value, out, &why) != 0) {
		conf_remark(r, CONF_ERROR, at, "%s: %s", name, why);
		c->values[p].is_wrong = true;
		buf_reset(out);
	}
	return out->len > 0;
}

static void
know_domain_name(
    struct conf *c, enum param p, struct str text, struct conf_remarks *r)
{
	const char *name = param_table[p].name;

	if (!addr_is_domain(text)) {
		conf_remark(r, CONF_ERROR, place_of(c, str_c(name)),
		    "%s: \"%.*s\" is not a host or domain name", name,
		    STR_ARG(text));
		c->values[p].is_wrong = true;
	}
	know(c, p, text);
}

static void
find_host(struct conf *c)
{
	char host[256];

	if (c->host.len > 0)
		return;
	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		(void)strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	/* Containers are called my_mail, which no mail host may be. */
	for (char *p = host; *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
	c->host = arena_str(&c->arena, str_c(host));
}

/* myhostname and mydomain are made from one another, as Postfix makes them. */
static void
find_names(struct conf *c, struct conf_remarks *r)
{
	BUF_CLEANUP struct buf host = {0}, domain = {0};
	buf_init(&host, CONF_VALUE_MAX);
	buf_init(&domain, CONF_VALUE_MAX);
	bool has_domain = expand_set(c, PARAM_mydomain, &domain, r);

	if (has_domain)
		know_domain_name(c, PARAM_mydomain, buf_str(&domain), r);
	if (!expand_set(c, PARAM_myhostname, &host, r)) {
		(void)buf_add_str(&host, c->host);
		if (!str_has_char(c->host, '.')) {
			(void)buf_add_char(&host, '.');
			(void)buf_add_c(
			    &host, has_domain ? domain.p : NO_DOMAIN);
		}
	}
	know_domain_name(c, PARAM_myhostname, buf_str(&host), r);
	if (has_domain)
		return;
	struct str tail;
	if (!str_cut(buf_str(&host), '.', NULL, &tail) || str_is_empty(tail))
		tail = STR(NO_DOMAIN);
	know(c, PARAM_mydomain, tail);
}

/* The first line of the file that myorigin names, as Debian has it. */
static int
read_origin(struct conf *c, const char *path, const char **ret_why)
{
	BUF_CLEANUP struct buf text = {0};
	struct stat st;
	buf_init(&text, ORIGIN_FILE_MAX);

	FD_CLEANUP int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0) {
		*ret_why = strerror(errno);
		return -EINVAL;
	}
	if (!S_ISREG(st.st_mode)) {
		*ret_why = "it is not a file";
		return -EINVAL;
	}
	int r = fd_read_rest(fd, &text);
	if (r != 0 && r != -EMSGSIZE) {
		*ret_why = strerror(-r);
		return -EINVAL;
	}
	struct str rest = buf_str(&text), line = STR_NONE;
	(void)str_line(&rest, &line);
	line = str_trim(line);
	if (!addr_is_domain(line)) {
		*ret_why = "its first line is not a domain name";
		return -EINVAL;
	}
	c->origin = arena_str(&c->arena, line);
	return 0;
}

static void
find_origin(struct conf *c, struct conf_remarks *r)
{
	BUF_CLEANUP struct buf path = {0};
	buf_init(&path, CONF_VALUE_MAX);
	const char *why;

	if (c->origin.len == 0) {
		if (!expand_set(c, PARAM_myorigin, &path, r) ||
		    path.p[0] != '/')
			return;
		if (read_origin(c, path.p, &why) != 0) {
			conf_remark(r, CONF_ERROR, place_of(c, STR("myorigin")),
			    "myorigin: %s: %s", path.p, why);
			c->values[PARAM_myorigin].is_wrong = true;
			return;
		}
	}
	know(c, PARAM_myorigin, c->origin);
}

/* For programs that may not ask: what "inet_interfaces = all" means. */
static void
find_interfaces(struct conf *c)
{
	BUF_CLEANUP struct buf b = {0};
	struct ifaddrs *list = NULL;
	char text[IP_TEXT_MAX];
	uint16_t port;
	struct ip ip;

	if (c->interfaces.p != NULL)
		return;
	buf_init(&b, CONF_INTERFACES_MAX);
	if (getifaddrs(&list) < 0)
		list = NULL;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    ip_from_sockaddr(i->ifa_addr, &ip, &port) < 0)
			continue;
		ip_format(&ip, text);
		if (b.len + strlen(text) + 1 <= CONF_INTERFACES_MAX)
			(void)buf_addf(&b, "%s%s", b.len > 0 ? " " : "", text);
	}
	freeifaddrs(list);
	c->interfaces = arena_str(&c->arena, buf_str(&b));
}

void
conf_find_facts(struct conf *c, struct conf_remarks *r)
{
	find_host(c);
	find_interfaces(c);
	know(c, PARAM_config_directory, c->dir);
	find_names(c, r);
	find_origin(c, r);
}

static void
evaluate_text(struct conf *c, const struct param_row *row, struct str raw,
    struct conf_value *v, const struct conf_setting *at, struct str name,
    struct conf_remarks *r)
{
	BUF_CLEANUP struct buf text = {0}, reason = {0};
	buf_init(&text, CONF_VALUE_MAX);
	buf_init(&reason, 1024);
	const char *why;

	v->text = raw;
	v->is_known = true;
	if (v->is_wrong)
		return; /* said when the facts were found */
	v->is_wrong = true;
	if (row->type == PARAM_RAW)
		(void)buf_add_str(&text, raw);
	else if (conf_expand_to(c, raw, &text, &why) != 0) {
		conf_remark(r, CONF_ERROR, at, "%.*s: %s", STR_ARG(name), why);
		return;
	}
	struct str value = str_trim(buf_str(&text));
	if (arena_left(&c->arena) < 2 * CONF_VALUE_MAX) {
		conf_remark(r, CONF_ERROR, at,
		    "%.*s: all values together are "
		    "too long",
		    STR_ARG(name));
		return;
	}
	v->text = arena_str(&c->arena, value);
	v->is_wrong = conf_value_parse(row, value, &v->number, &reason) != 0;
	if (v->is_wrong)
		conf_remark(r, CONF_ERROR, at, "%.*s: \"%.*s\" %s",
		    STR_ARG(name), (int)(value.len < 80 ? value.len : 80),
		    value.p, reason.p);
}

static void
evaluate_row(struct conf *c, enum param p, struct conf_remarks *r)
{
	const struct param_row *row = &param_table[p];
	struct str name = str_c(row->name), raw = str_c(row->def);
	const struct conf_setting *at = place_of(c, name);

	if (c->values[p].is_known)
		return;
	if (at != NULL)
		raw = at->value;
	evaluate_text(c, row, raw, &c->values[p], at, name, r);
}

/* What was set and has no row that works: user-made names, transports'. */
static void
evaluate_entry(struct conf *c, struct conf_entry *entry, struct conf_remarks *r)
{
	static const struct param_row any = {.type = PARAM_STR};
	const struct param_row *row = &any;
	struct str transport;
	enum param p;

	if (param_find(entry->set.name, &p)) {
		if (param_works(p))
			entry->value = c->values[p];
		else
			entry->value.text = entry->set.value;
		return;
	}
	if (param_find_transport(entry->set.name, &transport, &p) &&
	    param_works(p))
		row = &param_table[p];
	evaluate_text(c, row, entry->set.value, &entry->value, &entry->set,
	    entry->set.name, r);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct conf_entry *const *x = a, *const *y = b;

	return str_cmp((*x)->set.name, (*y)->set.name);
}

static void
sort_entries(struct conf *c)
{
	c->sorted =
	    reallocarray(NULL, c->names.count + 1, sizeof(c->sorted[0]));
	if (c->sorted == NULL)
		abort();
	MAP_FOREACH (slot, &c->names)
		c->sorted[c->count++] = slot->value;
	qsort(c->sorted, c->count, sizeof(c->sorted[0]), compare_entries);
}

void
conf_evaluate(struct conf *c, struct conf_remarks *r)
{
	sort_entries(c);
	for (unsigned p = 0; p < PARAM_COUNT; p++)
		if (param_works((enum param)p))
			evaluate_row(c, (enum param)p, r);
	for (size_t i = 0; i < c->count; i++)
		evaluate_entry(c, c->sorted[i], r);
}
