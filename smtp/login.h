/* SPDX-License-Identifier: ISC */
/*
 * login - who we are to a server: names and passwords from
 * smtp_sasl_password_maps, and which mechanisms may carry them.
 *
 * Passwords lie in memory that is wiped, and come into no log.
 */
#ifndef SMTP_LOGIN_H
#define SMTP_LOGIN_H

#include "base/buf.h"
#include "base/find.h"
#include "dict/dict.h"
#include "mail/address.h"
#include "mail/conf.h"
#include "mail/match.h"

#include <stdbool.h>

/* A zeroed one is valid, and nobody. */
struct login {
	struct buf user, password;
};

#define LOGIN_CLEANUP __attribute__((cleanup(login_done)))

void login_done(struct login *l);
bool login_is_nobody(const struct login *l);
bool login_eq(const struct login *a, const struct login *b);
void login_copy(struct login *to, const struct login *from); /* `to`: zeroed */

struct logins {
	struct maps *passwords;
	struct match *mechanisms; /* smtp_sasl_mechanism_filter */
	bool has_filter;
	bool by_sender;
	bool soft_bounce;      /* a refused login is for now */
	bool says_nobody;      /* smtp_send_dummy_mail_auth */
	struct str delimiter;  /* of name and password */
	unsigned needs_bare;   /* enum sasl_property: of a bare connection, */
	unsigned needs_tls;    /* of one under TLS, */
	unsigned needs_proved; /* of one whose server proved who it is */
	const struct address_rule *rule;
};

/* False with `why`: a table cannot be opened, or a word is not known.
 * `rule`: how senders are looked up; must outlive it. */
bool logins_open(struct logins *l, const struct conf *c,
    const struct dict_env *env, const struct address_rule *rule,
    struct buf *why);
void logins_done(struct logins *l);

/*
 * Asks for the sender (where it may), the server's name, the next hop: the
 * first that stands in the table.  FIND_YES with *ret, which is zeroed;
 * FIND_NO: we are strangers there.  May wait.
 */
enum find logins_get(const struct logins *l, struct str sender, struct str host,
    struct str nexthop, struct login *ret);

#endif
