/* SPDX-License-Identifier: ISC */
/*
 * valija_dovecot - `dovecot`: a Dovecot of this host is put beside the suite,
 * so that users read by IMAP and POP3 what is delivered here.
 *
 *	valija dovecot [-u] [-d directory] [-m location]
 *
 * Two files in its conf.d, because in Dovecot what comes first is asked first
 * (users) and what comes last counts (all else).  -u takes them away.  A file
 * of that name that is somebody else's is left alone.
 */
#include "valija.h"

#include "base/file.h"
#include "base/log.h"
#include "dict/dict.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST    "05-valija.conf"
#define LAST     "99-valija.conf"
#define FILE_MAX 65536
#define MARK                                                                   \
	"# Written by `valija dovecot`; `valija dovecot -u` takes it away.\n"

struct beside {
	const struct conf *conf;
	const char *folder;
	const char *location; /* of mail; NULL: as main.cf has it */
	int fd;
	struct str queue;
	struct str owner; /* whose group reaches private/ */
	uint64_t uid, gid;
	bool has_virtual;
};

static int
fail(const char *path, const char *text)
{
	fprintf(stderr, "valija: error: %s: %s\n", path, text);
	return 1;
}

/* ---- what main.cf says ---- */

/* "static:5000", as nearly all have it. */
static bool
read_id(const struct conf *c, enum param p, uint64_t *ret)
{
	struct str text = conf_str(c, p);

	return str_has_prefix(text, STR("static:")) &&
	       str_parse_u64(str_from(text, 7), INT32_MAX, ret) == 0;
}

static bool
read_conf(struct beside *b)
{
	const struct conf *c = b->conf;

	b->queue = conf_str(c, PARAM_queue_directory);
	b->owner = conf_str(c, PARAM_mail_owner);
	if (b->owner.len == 0)
		b->owner = getpwnam("postfix") != NULL ? STR("postfix")
		                                       : STR("valija");
	b->has_virtual = conf_str(c, PARAM_virtual_mailbox_domains).len > 0;
	if (!b->has_virtual)
		return true;
	if (!read_id(c, PARAM_virtual_uid_maps, &b->uid) ||
	    !read_id(c, PARAM_virtual_gid_maps, &b->gid)) {
		fail("virtual_uid_maps, virtual_gid_maps",
		    "Dovecot is to have the same for all users: "
		    "\"static:5000\"");
		return false;
	}
	if (conf_str(c, PARAM_virtual_mailbox_base).len == 0) {
		fail("virtual_mailbox_base", "is empty: there is no place for "
					     "mailboxes");
		return false;
	}
	return true;
}

/* Where system users have their mail. */
static void
add_location(const struct beside *b, struct buf *out)
{
	struct str home = conf_str(b->conf, PARAM_home_mailbox);
	struct str spool = conf_str(b->conf, PARAM_mail_spool_directory);

	if (str_has_suffix(home, STR("/")))
		buf_addf(out, "maildir:~/%.*s", (int)home.len - 1, home.p);
	else if (home.len > 0)
		buf_addf(out, "mbox:~/mail:INBOX=~/%.*s", STR_ARG(home));
	else if (str_has_suffix(spool, STR("/")))
		buf_addf(out, "maildir:%.*s%%n", STR_ARG(spool));
	else
		buf_addf(out, "mbox:~/mail:INBOX=%.*s/%%n", STR_ARG(spool));
}

static void
add_virtual_location(const struct beside *b, struct buf *out)
{
	struct str base = conf_str(b->conf, PARAM_virtual_mailbox_base);

	if (b->location != NULL)
		buf_add_c(out, b->location);
	else
		buf_addf(out, "maildir:%.*s/%%d/%%n", STR_ARG(base));
}

/* The first file of a list. */
static struct str
first_of(struct str list)
{
	struct str word;

	return dict_list_next(&list, &word) == 0 ? word : STR_NONE;
}

/* Of the certificate and of its key; false: there are none yet. */
static bool
find_certificate(const struct beside *b, struct arena *a, struct str *ret_cert,
    struct str *ret_key)
{
	static const enum param pairs[][2] = {
	    {PARAM_smtpd_tls_chain_files, PARAM_smtpd_tls_chain_files},
	    {PARAM_smtpd_tls_cert_file, PARAM_smtpd_tls_key_file},
	    {PARAM_smtpd_tls_eccert_file, PARAM_smtpd_tls_eckey_file},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		*ret_cert = first_of(conf_str(b->conf, pairs[i][0]));
		*ret_key = first_of(conf_str(b->conf, pairs[i][1]));
		if (ret_cert->len > 0 && ret_key->len > 0 &&
		    !str_eq(*ret_cert, STR("none")))
			return true;
	}
	*ret_cert = *ret_key = arena_strf(a, "%.*s/self-signed.pem",
	    STR_ARG(conf_str(b->conf, PARAM_data_directory)));
	return access(ret_cert->p, F_OK) == 0;
}

/* ---- the files ---- */

static void
write_first(const struct beside *b, struct buf *out)
{
	struct str base = conf_str(b->conf, PARAM_virtual_mailbox_base);

	buf_addf(out,
	    MARK "# Who may log in: the users of Valija, and nobody else.\n"
		 "passdb {\n"
		 "  driver = checkpassword\n"
		 "  args = %s/checkpassword %.*s/private/valija-auth\n"
		 "  result_failure = return-fail\n"
		 "  result_internalfail = return-fail\n"
		 "}\n"
		 "userdb {\n"
		 "  driver = passwd\n"
		 "}\n",
	    VALIJA_LIBEXEC, STR_ARG(b->queue));
	if (!b->has_virtual)
		return;
	buf_addf(out,
	    "userdb {\n"
	    "  driver = static\n"
	    "  args = uid=%llu gid=%llu home=%.*s/%%d/%%n mail=",
	    (unsigned long long)b->uid, (unsigned long long)b->gid,
	    STR_ARG(base));
	add_virtual_location(b, out);
	buf_add_c(out, " allow_all_users=yes\n}\n");
}

static void
add_tls(const struct beside *b, struct buf *out)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str cert, key;

	arena_init(&a, FILE_MAX);
	buf_add_c(out, "\n# No password without TLS, by the certificate of "
		       "smtpd.\n"
		       "disable_plaintext_auth = yes\n"
		       "ssl = required\n"
		       "ssl_min_protocol = TLSv1.2\n");
	if (find_certificate(b, &a, &cert, &key))
		buf_addf(out, "ssl_cert = <%.*s\nssl_key = <%.*s\n",
		    STR_ARG(cert), STR_ARG(key));
}

static void
add_sockets(const struct beside *b, struct buf *out)
{
	buf_addf(out,
	    "\n# For virtual_transport = lmtp:unix:private/dovecot-lmtp, and "
	    "smtpd_sasl_path =\n# private/auth.\n"
	    "service lmtp {\n"
	    "  unix_listener %.*s/private/dovecot-lmtp {\n"
	    "    mode = 0600\n    user = %.*s\n    group = %.*s\n"
	    "  }\n}\n"
	    "service auth {\n"
	    "  extra_groups = %.*s\n"
	    "  unix_listener %.*s/private/auth {\n"
	    "    mode = 0660\n    user = %.*s\n    group = %.*s\n"
	    "  }\n}\n",
	    STR_ARG(b->queue), STR_ARG(b->owner), STR_ARG(b->owner),
	    STR_ARG(b->owner), STR_ARG(b->queue), STR_ARG(b->owner),
	    STR_ARG(b->owner));
}

static void
write_last(const struct beside *b, struct buf *out)
{
	struct str delimiter = conf_str(b->conf, PARAM_recipient_delimiter);

	buf_add_c(out, MARK "protocols = imap pop3 lmtp\n"
			    "auth_mechanisms = plain login\n"
			    "mail_location = ");
	add_location(b, out);
	buf_add_c(out, "\n");
	if (b->has_virtual)
		buf_addf(out, "first_valid_uid = %llu\n",
		    (unsigned long long)(b->uid < 500 ? b->uid : 500));
	if (delimiter.len > 0)
		buf_addf(
		    out, "recipient_delimiter = %.*s\n", STR_ARG(delimiter));
	add_tls(b, out);
	add_sockets(b, out);
}

/* What stands there now: 0 with it in `text`, -ENOENT, or -errno; -EEXIST: it
 * is somebody else's. */
static int
read_own(const struct beside *b, const char *name, struct buf *text)
{
	int r = file_read(b->fd, name, text);

	if (r < 0 || str_has_prefix(buf_str(text), STR(MARK)))
		return r;
	return -EEXIST;
}

static const char *
reason(int error)
{
	return error == -EEXIST ? "was not written by `valija dovecot`"
	                        : strerror(-error);
}

static int
put_file(const struct beside *b, const char *name,
    void (*write_it)(const struct beside *b, struct buf *out))
{
	BUF_CLEANUP struct buf now = {0}, text = {0};
	int r;

	buf_init(&now, FILE_MAX);
	buf_init(&text, FILE_MAX);
	write_it(b, &text);
	if (text.full)
		return fail(name, "main.cf has too long values");
	r = read_own(b, name, &now);
	if (r < 0 && r != -ENOENT)
		return fail(name, reason(r));
	if (r == 0 && str_eq(buf_str(&now), buf_str(&text))) {
		printf("%s/%s: as it should be\n", b->folder, name);
		return 0;
	}
	/* It names keys, and holds none. */
	r = file_replace(b->fd, name, buf_str(&text), 0644);
	if (r < 0)
		return fail(name, reason(r));
	printf("%s/%s: written\n", b->folder, name);
	return 0;
}

static int
take_away(const struct beside *b, const char *name)
{
	BUF_CLEANUP struct buf now = {0};
	int r;

	buf_init(&now, FILE_MAX);
	r = read_own(b, name, &now);
	if (r == -ENOENT) {
		printf("%s/%s: is not there\n", b->folder, name);
		return 0;
	}
	if (r == 0 && unlinkat(b->fd, name, 0) < 0)
		r = -errno;
	if (r < 0)
		return fail(name, reason(r));
	printf("%s/%s: removed\n", b->folder, name);
	return 0;
}

/* ---- what was done, and what is left to do ---- */

static void
tell(const struct beside *b)
{
	struct str transport = conf_str(b->conf, PARAM_virtual_transport);
	BUF_CLEANUP struct buf where = {0};

	buf_init(&where, FILE_MAX);
	printf("users: those of Valija (valija user list), by auth\n");
	if (b->has_virtual) {
		add_virtual_location(b, &where);
		printf("mail of virtual_mailbox_domains: %s, as uid %llu\n",
		    where.p, (unsigned long long)b->uid);
		buf_reset(&where);
	}
	add_location(b, &where);
	printf("mail of this host's users: %s\n", where.p);
	printf("IMAP, POP3: with TLS; LMTP: private/dovecot-lmtp; SASL: "
	       "private/auth\n");
	if (b->has_virtual &&
	    !str_has_suffix(transport, STR("private/dovecot-lmtp")))
		printf("virtual_transport is %.*s: virtual_mailbox_maps must "
		       "put mail there too; or let\nDovecot do it: postconf "
		       "virtual_transport=lmtp:unix:private/dovecot-lmtp\n",
		    STR_ARG(transport));
	printf("It counts after: doveadm reload (also after a new "
	       "certificate)\n");
}

static int
usage(void)
{
	fprintf(stderr, "usage: valija dovecot [-u] [-d directory] "
			"[-m location]\n");
	return 1;
}

int
valija_dovecot(struct valija *v)
{
	struct beside b = {.conf = v->conf, .folder = "/etc/dovecot/conf.d"};
	bool is_undone = false;
	int option, r;

	optind = 1;
	while ((option = getopt(v->argc, v->argv, "d:m:u")) != -1) {
		if (option == 'd')
			b.folder = optarg;
		else if (option == 'm')
			b.location = optarg;
		else if (option == 'u')
			is_undone = true;
		else
			return usage();
	}
	if (optind < v->argc ||
	    (b.location != NULL && strpbrk(b.location, " \t\n") != NULL))
		return usage();
	FD_CLEANUP int fd = open(b.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(b.folder, "there is no Dovecot here (install "
				      "dovecot-imapd dovecot-pop3d "
				      "dovecot-lmtpd)");
	b.fd = fd;
	if (is_undone)
		return take_away(&b, FIRST) | take_away(&b, LAST);
	if (!read_conf(&b))
		return 1;
	r = put_file(&b, FIRST, write_first) | put_file(&b, LAST, write_last);
	if (r == 0)
		tell(&b);
	return r;
}
