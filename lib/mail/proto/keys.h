/* SPDX-License-Identifier: ISC */
/*
 * proto/keys - what a program that speaks TLS asks of keys, which alone has
 * private keys.
 *
 *	client                                   keys
 *	  KEYS_JOIN {binding}                 ->
 *	                                      <- KEYS_HELD (same exchange)
 *	                                      <- KEYS_HELD (exchange 0)
 *	  KEYS_SIGN                           ->
 *	                                      <- KEYS_SIGNED (same exchange)
 *	  KEYS_FIND                           ->
 *	                                      <- KEYS_HAS (same exchange)
 *
 * Who the client is, master said on the link, and not the client: "smtpd/" or
 * "smtp/" with the name of its service in master.cf.  What main.cf and the
 * -o of that service name is what it may use, nothing else.
 *
 * KEYS_HELD says what there is for the service, and after KEYS_JOIN comes
 * again, without being asked for, when that has changed: a certificate
 * that was renewed, ticket keys that had their time.  A key that is no longer
 * told signs for KEYS_AFTER more, for handshakes that are under way.
 *
 * KEYS_SIGN brings the whole message that is to be signed.  keys signs what
 * TLS has a server or a client sign, by the service's side, and refuses all
 * else (keys/form.h).  A key is named by the SHA-256 of its public half, so
 * that its name is the same after a restart of keys: a request may be
 * repeated on another conversation.
 *
 * KEYS_FIND asks for the chains of a server name that a client named
 * (tls_server_sni_maps).
 *
 * Requests are answered in turn, each at once: those that are open are as many
 * as the client has handshakes.
 */
#ifndef MAIL_PROTO_KEYS_H
#define MAIL_PROTO_KEYS_H

#include "base/chan.h"
#include "base/clock.h"
#include "base/find.h"

#define KEYS_DEADLINE      (10 * CLOCK_SEC)
#define KEYS_AFTER         (5 * 60 * CLOCK_SEC)
#define KEYS_ID            32
#define KEYS_CHAINS_MAX    8
#define KEYS_PEM_MAX       (128 * 1024) /* of one chain, as text */
#define KEYS_MESSAGE_MAX   (32 * 1024)
#define KEYS_SIGNATURE_MAX 2048
#define KEYS_NAME_MAX      255
#define KEYS_BINDING_MAX   64
#define KEYS_TICKET        80 /* name 16, cipher 32, authentication 32 */
#define KEYS_TICKETS_MAX   2

enum keys_kind {
	KEYS_JOIN,
	KEYS_HELD,
	KEYS_SIGN,
	KEYS_SIGNED,
	KEYS_FIND,
	KEYS_HAS,
	KEYS_KINDS,
};

struct keys_join {
	/* What else tickets are bound to beside the service: a digest of the
	 * settings under which a session was agreed on.  May be empty. */
	struct str binding;
};

struct keys_chain {
	struct str key; /* KEYS_ID bytes */
	struct str pem; /* certificates, the leaf first */
};
struct keys_ticket {
	struct str secret; /* KEYS_TICKET random bytes */
};
struct keys_held {
	uint64_t generation;  /* rises with each change */
	struct rows chains;   /* struct keys_chain; none: no certificate */
	uint64_t has_names;   /* ask KEYS_FIND when a client names a server */
	struct rows tickets;  /* struct keys_ticket, the newest first */
	uint64_t ticket_life; /* seconds that a ticket of the newest is good */
};

struct keys_sign {
	struct str key;
	uint64_t scheme; /* RFC 8446 section 4.2.3 */
	struct str message;
};
enum keys_verdict {
	KEYS_OK,
	KEYS_NO_KEY,  /* not this service's, or not any more */
	KEYS_REFUSED, /* not the form, or no scheme for this key */
	KEYS_BUSY,    /* too many a second */
	KEYS_FAILED,
};
struct keys_signed {
	uint64_t verdict;
	struct str signature;
};

struct keys_find {
	struct str name;
};
struct keys_has {
	uint64_t find;
	struct rows chains; /* struct keys_chain */
};

extern const struct protocol keys_protocol;
extern const struct shape keys_held_shape;

/*
 * The configuration of keys itself, which master makes of those of the
 * services (mail/key_files.h).
 */
#define KEYS_SERVICES_MAX 1000
#define KEYS_FILES_MAX    64
#define KEYS_PATH_MAX     4000
#define KEYS_TYPE_MAX     64

enum keys_role {
	KEYS_SERVER,
	KEYS_CLIENT,
};
struct keys_file {
	struct str path;
};
struct keys_source {
	/* One: keys, each with its chain behind it.  With a key file: the
	 * chain alone, whose key is there. */
	struct rows files; /* struct keys_file, read as one */
	struct str key_file;
};
struct keys_service {
	struct str client;    /* as on the link */
	uint64_t role;        /* enum keys_role */
	struct rows sources;  /* struct keys_source */
	uint64_t own;         /* shows our own when there is none */
	struct str names;     /* tables of server names */
	uint64_t rate;        /* signatures a second; 0: any */
	uint64_t ticket_life; /* seconds */
};
struct keys_config {
	struct str hostname;
	struct str default_type; /* of tables */
	struct rows services;    /* struct keys_service */
};

extern const struct shape keys_config_shape;

#endif
