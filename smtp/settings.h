/* SPDX-License-Identifier: ISC */
/*
 * settings - the parameters of the smtp client, read once from the
 * configuration of the service ("smtp", "relay" ... with its own -o).
 */
#ifndef SMTP_SETTINGS_H
#define SMTP_SETTINGS_H

#include "base/buf.h"
#include "mail/conf.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filters;
struct logins;
struct policies;
struct secure;

enum settings_family {
	FAMILY_ANY,
	FAMILY_IPV4,
	FAMILY_IPV6
};

struct settings {
	bool is_lmtp; /* RFC 2033 */
	/* A connection to "unix:path": a descriptor or -errno.  Waits. */
	int (*dial)(struct str endpoint, int64_t deadline);
	const struct filters *filters;   /* NULL: no tables */
	const struct logins *logins;     /* NULL: smtp_sasl_auth_enable = no */
	const struct policies *policies; /* NULL, with the next: no TLS */
	struct secure *secure;
	struct str myhostname, helo_name;
	struct str inet_interfaces, proxy_interfaces;
	struct str relayhost;
	struct str best_mx;  /* a transport, where we are it; or empty */
	struct str fallback; /* a list of next hops */
	struct str discard;  /* of EHLO keywords */
	unsigned notices;    /* enum notice_class, as bits */
	uint16_t port;       /* where no next hop names one */

	bool use_ipv4, use_ipv6;
	bool lookup_dns, lookup_native;
	bool ignore_mx_error, defer_no_address;
	bool shuffle, balance;
	enum settings_family first; /* of addresses with one preference */
	size_t address_limit, session_limit; /* 0: none */
	struct ip bind4, bind6;              /* family 0: none */
	bool enforce_bind;

	bool skip_5xx_greeting, skip_quit_reply, never_ehlo, always_ehlo;
	bool notes_starttls; /* where it is offered and not used */
	bool assume_final;   /* LMTP: what is taken there has arrived */
	bool converts;       /* 8-bit content for servers without 8BITMIME */
	size_t line_limit;   /* 0: lines go out as they are */
	size_t reuse_limit;  /* messages on a connection; 0: no limit */

	/* nanoseconds; 0 for the first: the system's own */
	int64_t plain_after; /* so old, mail goes out plain if TLS is broken */
	int64_t connect_time, helo_time, mail_time, rcpt_time, data_init_time,
	    data_block_time, data_done_time, rset_time, quit_time, reuse_time;
};

/* The parameter itself, or for LMTP its twin ("lmtp_..."). */
enum param settings_twin(bool is_lmtp, enum param p);

/* 0, or -EINVAL with `why`.  The strs live as long as `c`. */
int settings_read(struct settings *s, const struct conf *c, struct buf *why);

#endif
