/* SPDX-License-Identifier: ISC */
/*
 * keyring - whose keys are where, as a part of a plan: what keys is told
 * (mail/proto/keys.h) and handed.
 */
#ifndef MASTER_KEYRING_H
#define MASTER_KEYRING_H

#include "plan.h"

#include "base/buf.h"

/* A service of the plan, with its configuration: those of smtpd and smtp have
 * keys, of the others nothing comes of it. */
void keyring_add(struct plan *p, const struct service *s, const struct conf *c);

/* What a service is called on a link to keys. */
struct str keyring_client(const struct service *s, struct arena *a);

/* Of all that were added: the configuration of keys; false: too large. */
bool keyring_config(const struct plan *p, struct buf *ret);

/* Each file, each table of server names, and each file that one of these
 * names now, if it is a text. */
void keyring_each_file(
    const struct plan *p, void (*each)(void *arg, struct str name), void *arg);

/* The file of the self-signed certificate, made if need be, for reading and
 * writing; -errno when it cannot be had (said) or nobody needs it. */
int keyring_open_own(const struct plan *p);

#endif
