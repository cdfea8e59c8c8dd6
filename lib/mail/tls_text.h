/* SPDX-License-Identifier: ISC */
/*
 * tls_text - what a handshake told, as the log and the Received line have it:
 * to the letter as Postfix writes it, since programs read it.
 */
#ifndef MAIL_TLS_TEXT_H
#define MAIL_TLS_TEXT_H

#include "base/buf.h"
#include "net/tls.h"

/*
 * "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange
 * X25519 server-signature ECDSA (prime256v1) server-digest SHA256".
 */
void tls_text_log(const struct tls_info *info, struct buf *out);

/*
 * The lines of a Received field between the client and us, each with its tab
 * and its LF:
 *
 *	(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
 *	 key-exchange X25519 server-signature ECDSA (prime256v1) ...)
 *	(No client certificate requested)
 */
void tls_text_received(const struct tls_info *info, struct buf *out);

#endif
