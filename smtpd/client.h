/* SPDX-License-Identifier: ISC */
/*
 * client - who is at the other end: its address, and the name that the
 * address has by reverse look-up, which counts only when the name has the
 * address in turn.
 */
#ifndef SMTPD_CLIENT_H
#define SMTPD_CLIENT_H

#include "base/arena.h"
#include "base/serve.h"
#include "base/str.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* How sure a name is.  Only CLIENT_KNOWN ones are shown and matched. */
enum client_name {
	CLIENT_KNOWN,
	CLIENT_NONE,  /* there is none, or it is not one */
	CLIENT_RETRY, /* could not ask */
};

struct client {
	struct ip ip;
	uint16_t port;
	struct str address;      /* "192.0.2.1" */
	struct str name;         /* "mx.example.org" or "unknown" */
	struct str reverse;      /* the name before it was checked */
	struct str text;         /* "name[address]", as in the log */
	enum client_name status; /* of name */
	enum client_name reverse_status;
};

/* Without asking anyone: the name is "unknown".  Everything lies in `a`. */
void client_init(struct client *c, const struct ip *ip, uint16_t port,
    bool with_port, struct arena *a);

/*
 * Ask the system's hosts, then the DNS; waits.  A name that does not have
 * the address is logged as Postfix does.
 */
void client_look_up(struct client *c, bool with_port, struct link *lookup,
    struct link *dns, struct arena *a);

void client_set_name(struct client *c, struct str name, struct str reverse,
    bool with_port, struct arena *a);

/* "4.3.2.1.in-addr.arpa" and "....ip6.arpa". */
struct str client_reverse_name(
    const struct ip *ip, struct str zone4, struct str zone6, struct arena *a);

#endif
