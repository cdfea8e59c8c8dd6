/* SPDX-License-Identifier: ISC */
/*
 * policy - whether and how a connection is encrypted, and who must be at its
 * other end: one value, computed in one place from the parameters
 * (smtp_tls_security_level ...) and the table smtp_tls_policy_maps.
 *
 * The table is asked for the next hop as it is written ("[host]:port",
 * "example.com:587"); for a bare domain then for its parents (".com").  A
 * value is a level, and attributes that stand for the parameters:
 *
 *	example.com   secure match=mx.example.com:.example.com
 *	[hub]:587     fingerprint match=AB:CD:... match=01:23:...
 *	old.test      may protocols=TLSv1.2 ciphers=high exclude=aDSS:kDHE
 *	sni.test      encrypt servername=hostname connection_reuse=no
 */
#ifndef SMTP_POLICY_H
#define SMTP_POLICY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/find.h"
#include "dict/dict.h"
#include "mail/conf.h"
#include "mail/tls_grade.h"

#include <stdbool.h>

#define POLICY_KEY_MAX ((size_t)64 * 1024)
#define POLICY_ROOM    ((size_t)1024 * 1024) /* of an arena for one */

enum policy_level {
	POLICY_NONE,
	POLICY_MAY,         /* encrypted where the server can, by anybody */
	POLICY_ENCRYPT,     /* encrypted, by anybody */
	POLICY_FINGERPRINT, /* by who has one of these certificates or keys */
	POLICY_VERIFY,      /* by who has a name, told by the DNS perhaps */
	POLICY_SECURE,      /* by who has a name that we know without the DNS */
};

/* The strs lie in the arena of policy_get(). */
struct tls_policy {
	enum policy_level level;
	bool wraps; /* TLS from the first byte on */
	bool keeps; /* may be used for more than one message */
	struct tls_grade grade;
	struct str match;       /* names, or fingerprints; blanks between */
	struct str digest;      /* of fingerprints */
	struct str server_name; /* to ask for (SNI); empty: none */
	struct str key;         /* two policies are the same when this is */
};

struct policies {
	struct maps *maps;
	const struct conf *conf;
	bool is_lmtp;
	enum policy_level level; /* where the table says nothing */
	/* Of levels that may do without, and of those that may not. */
	struct tls_grade loose, strict;
	struct arena arena; /* of the two */
};

/* False with `why`: a table cannot be opened, or a value is not understood. */
bool policies_open(struct policies *p, const struct conf *c,
    const struct dict_env *env, struct buf *why);
void policies_done(struct policies *p);

/*
 * For a server of a next hop.  FIND_YES with *ret; else the table cannot be
 * asked, or says what is not understood, with `why`: nothing may be sent.
 * May wait.
 */
enum find policy_get(const struct policies *p, struct str host,
    struct str nexthop, struct arena *a, struct tls_policy *ret,
    struct buf *why);

/* In place of one that may do without, once TLS did not work. */
void policy_drop(struct tls_policy *p);

#endif
