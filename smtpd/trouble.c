/* SPDX-License-Identifier: ISC */
/* trouble - commands and replies on their way into the transcript. */
#include "trouble.h"

#include "mail/notice_class.h"
#include "session.h"

void
trouble_heard(struct session *s, struct str line)
{
	if (command_is_auth(line))
		line = STR("AUTH ...");
	else if (s->is_hiding)
		line = STR("...");
	transcript_in(&s->transcript, line);
}

/*
 * By the code: syntax and order of commands (RFC 5321 section 4.2.1), then
 * the enhanced one (RFC 3463).  4.3.0 may be a table or the disk: who replies
 * so says which.
 */
unsigned
trouble_class(struct str reply)
{
	struct str code = str_sub(reply, 0, 3);
	struct str dsn = str_from(reply, reply.len < 4 ? reply.len : 4);

	if (code.len < 3 || (code.p[0] != '4' && code.p[0] != '5'))
		return 0;
	dsn = str_word(&dsn, " ");
	if (str_has_prefix(code, STR("50")) || str_eq(code, STR("555")) ||
	    str_has_prefix(str_from(dsn, 1), STR(".5.")))
		return NOTICE_PROTOCOL;
	if (str_has_suffix(dsn, STR(".3.1")))
		return NOTICE_RESOURCE;
	if (str_has_suffix(dsn, STR(".3.5")))
		return NOTICE_SOFTWARE;
	if (str_has_suffix(dsn, STR(".3.4")) ||
	    str_has_suffix(dsn, STR(".4.6")))
		return NOTICE_BOUNCE;
	if (dsn.len > 2 && (dsn.p[2] == '1' || dsn.p[2] == '7'))
		return NOTICE_POLICY;
	return 0;
}

void
trouble_said(struct session *s, struct str line)
{
	transcript_out(&s->transcript, line);
	s->transcript.troubles |= trouble_class(line);
}

void
trouble_note(struct session *s, unsigned class)
{
	s->transcript.troubles |= class;
}

void
trouble_tell(struct session *s)
{
	unsigned about = transcript_about(&s->transcript);
	struct str subject;

	if (about == 0 || s->server->is_hurrying)
		return;
	subject = arena_strf(&s->arena, "SMTP server: errors from %.*s",
	    STR_ARG(s->client.text));
	transcript_mail(
	    &s->server->post, about, subject, buf_str(&s->transcript.lines));
}
