/* SPDX-License-Identifier: ISC */
/*
 * key_files - where a service's keys and certificates are, out of its
 * configuration: what master opens, and what keys is told (proto/keys.h).
 *
 *	smtpd_tls_chain_files		keys, each with its chain behind it;
 *					with these the others do not count
 *	smtpd_tls_cert_file, _key_file	a chain and its key; _eccert_, _eckey_
 *					and _dcert_, _dkey_ as well
 *	tls_server_sni_maps		tables of server names
 *
 * The SMTP client's begin with smtp_tls_, the LMTP client's with lmtp_tls_.
 */
#ifndef MAIL_KEY_FILES_H
#define MAIL_KEY_FILES_H

#include "base/arena.h"
#include "mail/conf.h"
#include "mail/proto/keys.h"

/* Everything in *ret lies in `a`; `c` is of the one service that is `client`
 * on a link. */
void key_files_of(const struct conf *c, enum keys_role role, struct str client,
    struct arena *a, struct keys_service *ret);

/* Each path and each table ("type:name") of it; a path perhaps again. */
void key_files_each(const struct keys_service *s,
    void (*each)(void *arg, struct str name), void *arg);

#endif
