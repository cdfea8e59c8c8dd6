/* SPDX-License-Identifier: ISC */
/*
 * proto/submit - sendmail(1) and pickup, on $queue_directory/public/pickup.
 * Anyone may connect; SO_PEERCRED says who it is.
 *
 *	sendmail                                 pickup
 *	  SUBMIT_MESSAGE + content's fds      ->
 *	                                      <- SUBMIT_DONE
 *
 * While the suite is down the same value, encoded, with the content behind
 * it, is a file in maildrop/ (mail/maildrop.h).
 */
#ifndef MAIL_PROTO_SUBMIT_H
#define MAIL_PROTO_SUBMIT_H

#include "base/chan.h"
#include "mail/content.h"
#include "mail/envelope.h"

enum submit_kind {
	SUBMIT_MESSAGE,
	SUBMIT_DONE,
	SUBMIT_KINDS
};

struct submit_message {
	struct str sender;    /* -f; empty: the caller's login name ... */
	uint64_t null_sender; /* ... unless -f '<>' */
	struct str full_name;
	struct str envid;
	uint64_t ret;
	uint64_t body_8bit;
	uint64_t extract;       /* -t ... */
	uint64_t notify;        /* ... and what its recipients get of -N */
	struct rows recipients; /* struct recipient: address as typed */
	struct content_wire content;
};
struct submit_done {
	uint64_t exit_code; /* sysexits.h */
	struct str id;
	struct str text;
};

extern const struct shape submit_message_shape;
extern const struct protocol submit_protocol;

#endif
