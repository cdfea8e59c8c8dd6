/* SPDX-License-Identifier: ISC */
/* cmd_starttls - STARTTLS (RFC 3207). */
#include "command.h"

#include "rate.h"
#include "reply.h"
#include "session.h"
#include "starttls.h"

void
cmd_starttls(struct session *s, struct str args)
{
	if (args.len > 0) {
		reply(s, "501 5.5.4 Syntax: STARTTLS");
	} else if (s->is_tls) {
		reply(s, "554 5.5.1 Error: TLS already active");
	} else if (!starttls_is_offered(s)) {
		reply(s, "502 5.5.1 Error: command not implemented");
	} else if (!starttls_has_identity(&s->server->starttls)) {
		reply(s, "454 4.7.0 TLS not available due to local problem");
	} else if (rate_starttls(s)) {
		reply(s, "220 2.0.0 Ready to start TLS");
		reply_flush(s);
		/* Section 4.2: what was known of the client is forgotten, and
		 * what he said ahead is not heard. */
		session_forget(s);
		starttls_begin(s);
	}
}
