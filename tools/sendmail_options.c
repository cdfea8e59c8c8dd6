/* SPDX-License-Identifier: ISC */
/*
 * sendmail_options - the command line of sendmail(1), as three decades of
 * programs write it: options of one letter, with values behind them or in the
 * next word, and many that say nothing any more.
 */
#include "sendmail.h"

#include "mail/addr.h"
#include "mail/bounds.h"
#include "mail/dsn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* Options with a value, in the same word or the next; all others have none
 * but -q, whose value is in the same word or missing. */
static const char with_value[] = "ABCFLNORVXbefhopr";
#define ENVID_MAX 100

static const char ignored[] = "ALOXehpGUmnvxc"; /* some with, some without */

static void
set_body(struct sendmail *s, const char *value)
{
	if (strcasecmp(value, "8BITMIME") == 0)
		s->message.body_8bit = 1;
	else if (strcasecmp(value, "7BIT") != 0)
		sendmail_fatal(EX_USAGE, "bad -B option value: %s", value);
}

static void
set_mode(struct sendmail *s, const char *value)
{
	static const struct {
		char letter;
		enum sendmail_mode mode;
	} modes[] = {{'m', SENDMAIL_MAIL}, {'p', SENDMAIL_QUEUE},
	    {'i', SENDMAIL_ALIASES}, {'d', SENDMAIL_START},
	    {'l', SENDMAIL_START}, {'h', SENDMAIL_NOTHING},
	    {'H', SENDMAIL_NOTHING}, {'s', SENDMAIL_SMTP},
	    {'v', SENDMAIL_VERIFY}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (modes[i].letter == value[0]) {
			s->mode = modes[i].mode;
			return;
		}
	}
	sendmail_fatal(EX_USAGE, "unsupported: -b%s", value);
}

/* A directory, or a file in one: as the sendmail of old has it. */
static void
set_conf(struct sendmail *s, const char *value)
{
	ptrdiff_t slash = str_find_last(str_c(value), '/');
	struct stat st;

	s->conf_dir = value;
	if (stat(value, &st) == 0 && S_ISREG(st.st_mode) && slash > 0)
		s->conf_dir =
		    arena_cstr(&s->arena, str_n(value, (size_t)slash));
}

/* What a script says wrongly of notifications stops no mail. */
static void
warn_bad(const char *option, const char *value)
{
	fprintf(stderr,
	    "sendmail: warning: bad %s option value -- ignored: %s\n", option,
	    value);
}

static void
set_notify(struct sendmail *s, const char *value)
{
	if (dsn_notify_parse(str_c(value), &s->message.notify) < 0)
		warn_bad("-N", value);
}

static void
set_ret(struct sendmail *s, const char *value)
{
	if (dsn_ret_parse(str_c(value), &s->message.ret) < 0)
		warn_bad("-R", value);
}

/* RFC 3461 section 4.4: as it is, not as xtext; 100 characters. */
static void
set_envid(struct sendmail *s, const char *value)
{
	struct str text = str_c(value);
	bool is_good = text.len > 0 && text.len <= ENVID_MAX;

	for (size_t i = 0; i < text.len; i++)
		is_good = is_good && text.p[i] >= ' ' && text.p[i] < 0x7f;
	if (is_good)
		s->message.envid = text;
	else
		warn_bad("-V", value);
}

/* What goes into a header or the log: SECURITY: one line. */
static struct str
one_line(const char *option, const char *value, size_t max)
{
	struct str s = str_c(value);

	if (s.len > max || str_has_char(s, '\n') || str_has_char(s, '\r'))
		sendmail_fatal(EX_USAGE, "bad %s option value", option);
	return s;
}

static void
set_o(struct sendmail *s, const char *value)
{
	if (value[0] == 'i')
		s->dot_is_text = true;
	else if (value[0] == 'A' && value[1] != '\0')
		s->aliases = value + 1;
	else if (value[0] == '8')
		s->message.body_8bit = 1;
}

static void
set_queue(struct sendmail *s, const char *value)
{
	if (value[0] == 'S')
		sendmail_fatal(EX_USAGE,
		    "-qS is not implemented: use -q for the whole queue");
	if ((value[0] == 'I' || value[0] == 'R') && value[1] == '\0')
		sendmail_fatal(EX_USAGE, "-q%c needs a value", value[0]);
	if (value[0] == 'I')
		s->flush_id = str_c(value + 1);
	else if (value[0] == 'R')
		s->flush_site = str_c(value + 1);
	if (value[0] == '\0' || value[0] == 'I' || value[0] == 'R')
		s->mode = SENDMAIL_FLUSH;
	else if (s->mode == SENDMAIL_MAIL)
		s->mode = SENDMAIL_NOTHING; /* -q30m: we do so anyway */
}

static void
set_sender(struct sendmail *s, const char *value)
{
	s->message.sender = str_c(value);
	s->message.null_sender = value[0] == '\0' || strcmp(value, "<>") == 0;
}

static void
take_option(struct sendmail *s, char letter, const char *value)
{
	switch (letter) {
	case 'B':
		set_body(s, value);
		return;
	case 'C':
		set_conf(s, value);
		return;
	case 'F':
		s->message.full_name = one_line("-F", value, BOUND_NAME);
		return;
	case 'I':
		s->mode = SENDMAIL_ALIASES;
		return;
	case 'N':
		set_notify(s, value);
		return;
	case 'R':
		set_ret(s, value);
		return;
	case 'V':
		set_envid(s, value);
		return;
	case 'b':
		set_mode(s, value);
		return;
	case 'f':
	case 'r':
		set_sender(s, value);
		return;
	case 'i':
		s->dot_is_text = true;
		return;
	case 'o':
		set_o(s, value);
		return;
	case 'q':
		set_queue(s, value);
		return;
	case 't':
		s->message.extract = 1;
		return;
	default:
		if (letter == '\0' || strchr(ignored, letter) == NULL)
			sendmail_fatal(EX_USAGE,
			    "usage: sendmail [options] [address...]: "
			    "unknown option -%c",
			    letter);
	}
}

/* One word of options, "-tif"; the number of words it took. */
static int
take_word(struct sendmail *s, char **argv)
{
	for (const char *p = argv[0] + 1; *p != '\0'; p++) {
		if (*p == 'q') {
			take_option(s, 'q', p + 1);
			return 1;
		}
		if (strchr(with_value, *p) == NULL) {
			take_option(s, *p, "");
			continue;
		}
		if (p[1] != '\0') {
			take_option(s, *p, p + 1);
			return 1;
		}
		if (argv[1] == NULL)
			sendmail_fatal(
			    EX_USAGE, "option -%c needs a value", *p);
		take_option(s, *p, argv[1]);
		return 2;
	}
	return 1;
}

static void
set_by_name(struct sendmail *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (strcmp(name, "mailq") == 0)
		s->mode = SENDMAIL_QUEUE;
	else if (strcmp(name, "newaliases") == 0)
		s->mode = SENDMAIL_ALIASES;
}

void
sendmail_options(struct sendmail *s, int argc, char **argv)
{
	const char *name = getenv("NAME");
	int i = 1;

	if (argc < 1)
		sendmail_fatal(EX_USAGE, "called without a name");
	if (name != NULL && strlen(name) <= BOUND_NAME &&
	    strpbrk(name, "\r\n") == NULL)
		s->message.full_name = str_c(name);
	set_by_name(s, argv[0]);
	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		i += take_word(s, argv + i);
	}
	s->arguments = argv + i;
	s->narguments = argc - i;
}

void
sendmail_add_recipient(struct sendmail *s, struct str address)
{
	if (s->nrecipients % 64 == 0) {
		s->recipients = realloc(s->recipients,
		    (s->nrecipients + 64) * sizeof(*s->recipients));
		if (s->recipients == NULL)
			sendmail_fatal(EX_OSERR, "out of memory");
	}
	s->recipients[s->nrecipients++] = (struct recipient){
	    .address = address,
	    .original = address,
	    .orcpt = STR_NONE,
	    .notify = s->message.notify,
	};
}

static void
add_recipient(void *arg, struct addr a, struct str name)
{
	(void)name;
	sendmail_add_recipient(arg, a.text);
}

static void
keep_sender(void *arg, struct addr a, struct str name)
{
	struct sendmail *s = arg;

	(void)name;
	s->message.sender = a.text;
}

void
sendmail_envelope(struct sendmail *s)
{
	struct str typed = s->message.sender;

	if (s->message.null_sender)
		s->message.sender = STR_NONE;
	else if (typed.len > 0 &&
		 addr_parse_list(typed, 1, &s->arena, keep_sender, s) != 1)
		sendmail_fatal(
		    EX_USAGE, "bad sender address: %.*s", STR_ARG(typed));
	for (int i = 0; i < s->narguments; i++) {
		int n = addr_parse_list(str_c(s->arguments[i]),
		    SENDMAIL_RCPT_MAX - s->nrecipients, &s->arena,
		    add_recipient, s);

		if (n == -E2BIG)
			sendmail_fatal(EX_USAGE, "too many recipients");
		if (n < 1)
			sendmail_fatal(EX_DATAERR,
			    "bad recipient address: \"%s\"", s->arguments[i]);
	}
	s->message.recipients = (struct rows){s->recipients, s->nrecipients};
}
