/* SPDX-License-Identifier: ISC */
/*
 * identity - who this service is in TLS: its chains, whose keys are elsewhere,
 * and the keys of its session tickets, by way of keys (proto/keys.h).
 *
 * A program that speaks TLS has one, for as long as it lives.  Chains and
 * tickets are there as soon as keys has told them, and are replaced whenever
 * keys tells others: the next handshake has the new ones, one that is under
 * way ends with what it began with.  While keys is away (a restart) what it
 * told last stays; a signature that is due waits for it, up to KEYS_DEADLINE.
 *
 *	struct identity *id = identity_open(sv, binding);
 *	identity_wait(id, clock_after(...));
 *	settings.identify = identity_find;
 *	settings.identify_arg = id;
 *	context = tls_context_new(&settings, &why);
 *	identity_attach(id, context);
 */
#ifndef MAIL_IDENTITY_H
#define MAIL_IDENTITY_H

#include "base/serve.h"
#include "net/tls.h"

#include <stdbool.h>

#define IDENTITY_NAMES 1000 /* server names that are kept */

struct identity;

/*
 * In a task or before the loop.  `binding` is what tickets are bound to beside
 * the service, at most KEYS_BINDING_MAX bytes: of settings that differ (who
 * vouches for clients, say) no session is taken up.
 */
struct identity *identity_open(struct serve *sv, struct str binding);

/* No handshake may be under way, nor a context attached.  Waits. */
void identity_close(struct identity **id);

/* Until keys has told what there is: 0, -ETIMEDOUT, -ECANCELED. */
int identity_wait(struct identity *id, int64_t deadline);

/* Is there a chain, so that a server can offer TLS? */
bool identity_is_there(const struct identity *id);

/* The context that ticket keys go to, now and when they change; NULL: none. */
void identity_attach(struct identity *id, struct tls_context *c);

/*
 * Of a struct identity, a tls_identify: what there is for a server name, or
 * else by default; NULL when there is nothing.  Waits when the name has to be
 * asked for.
 */
const struct tls_identity *identity_find(void *identity, struct str name);

#endif
