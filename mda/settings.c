/* SPDX-License-Identifier: ISC */
/* settings - the few parameters that mda has.  Owns nothing. */
#include "settings.h"

#include "mail/conf.h"

#include <errno.h>
#include <string.h>

static struct lock_how
read_locks(const struct conf *c, enum param list)
{
	struct str rest = conf_str(c, list), word;
	struct lock_how how = {
	    .attempts = conf_int(c, PARAM_deliver_lock_attempts),
	    .delay = conf_time(c, PARAM_deliver_lock_delay),
	};

	while (!str_is_empty(word = str_word(&rest, ", \t\r\n"))) {
		how.fcntl |= str_eq(word, STR("fcntl"));
		how.dotlock |= str_eq(word, STR("dotlock"));
		how.flock |= str_eq(word, STR("flock"));
	}
	return how;
}

static void
copy_text(char *to, size_t size, struct str s)
{
	size_t n = s.len < size ? s.len : size - 1;

	memcpy(to, s.p, n);
	to[n] = '\0';
}

int
settings_read(struct settings *ret, struct str config)
{
	struct conf *c = conf_decode(config);

	if (c == NULL)
		return -EINVAL;
	*ret = (struct settings){
	    .local_lock = read_locks(c, PARAM_mailbox_delivery_lock),
	    .virtual_lock = read_locks(c, PARAM_virtual_mailbox_lock),
	    .command_time_limit = conf_time(c, PARAM_command_time_limit),
	    .command_no_new_privs = conf_bool(c, PARAM_command_no_new_privs),
	    .commands_max =
		(size_t)conf_int(c, PARAM_local_destination_concurrency_limit),
	};
	copy_text(ret->hostname, sizeof(ret->hostname),
	    conf_str(c, PARAM_myhostname));
	copy_text(ret->delimiters, sizeof(ret->delimiters),
	    conf_str(c, PARAM_recipient_delimiter));
	conf_free(&c);
	return 0;
}
