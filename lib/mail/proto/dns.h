/* SPDX-License-Identifier: ISC */
/*
 * proto/dns - any program asks dns, which asks the resolver.
 *
 *	client                                   dns
 *	  DNS_ASK                             ->
 *	                                      <- DNS_ANSWER (same exchange)
 *
 * The client has a deadline of its own (DNS_DEADLINE) and takes silence as
 * FIND_RETRY.  Types are those of RFC 1035 and its successors as numbers.
 */
#ifndef MAIL_PROTO_DNS_H
#define MAIL_PROTO_DNS_H

#include "base/chan.h"
#include "base/clock.h"
#include "base/find.h"

#define DNS_DEADLINE    (30 * CLOCK_SEC)
#define DNS_RECORDS_MAX 100

#define DNS_ASK_MAX  255
#define DNS_NAME_MAX 1024 /* as text, every odd byte as \DDD */

enum dns_kind {
	DNS_ASK,
	DNS_ANSWER,
	DNS_KINDS
};

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

struct dns_ask {
	struct str name; /* A-label form, no final dot needed */
	uint64_t type;
};
struct dns_record {
	uint64_t type;
	uint64_t preference; /* MX */
	struct str data; /* A, AAAA: 4, 16 bytes; MX, NS, CNAME, PTR: the name
	                    in lower case without final dot ("" is the root),
	                    all but letters, digits, '-', '_' and '.' as \DDD;
	                    TXT: the strings joined; other: the rdata */
};
struct dns_answer {
	uint64_t find;     /* YES: records of the type; NO: none of the type */
	uint64_t nxdomain; /* with NO: there is not even the name */
	uint64_t secure;   /* AD, from a resolver that may say so */
	uint64_t ttl;      /* seconds, the least of the records' */
	struct str name;   /* after CNAMEs, written as in data */
	struct str why;    /* one phrase; RETRY, BROKEN, NO of a name that
	                      cannot be */
	struct rows records; /* struct dns_record */
};

extern const struct shape dns_answer_shape;
extern const struct protocol dns_protocol;

#endif
