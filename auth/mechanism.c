/* SPDX-License-Identifier: ISC */
/* mechanism - the table, and what exchanges have in common. */
#include "mechanism.h"

#include <stddef.h>

static enum verdict
check_plaintext(struct exchange *x)
{
	return check_run(x->users, buf_str(&x->name), buf_str(&x->password),
	    str_c(x->address));
}

static const struct mechanism mechanisms[MECHANISMS] = {
    {"PLAIN", "plaintext", false, 0, plain_step, check_plaintext},
    {"LOGIN", "plaintext", false, 0, login_step, check_plaintext},
    {"SCRAM-SHA-256", "mutual-auth", true, HMAC_SHA256, scram_step,
	scram_check},
    {"SCRAM-SHA-1", "mutual-auth", true, HMAC_SHA1, scram_step, scram_check},
};

const struct mechanism *
mechanism_at(size_t i)
{
	return i < MECHANISMS ? &mechanisms[i] : NULL;
}

const struct mechanism *
mechanism_find(struct str name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (str_eq_case(name, str_c(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

void
exchange_init(struct exchange *x, const struct mechanism *m,
    struct users *users, const char *address)
{
	*x = (struct exchange){
	    .mechanism = m, .users = users_ref(users), .address = address};
	buf_init(&x->name, CHECK_NAME_MAX);
	buf_init_secret(&x->password, PASSWORD_MAX);
	buf_init(&x->out, SCRAM_MESSAGE_MAX + SCRAM_SALT_MAX);
}

void
exchange_done(struct exchange *x)
{
	buf_done(&x->name);
	buf_done(&x->password);
	buf_done(&x->out);
	scram_exchange_free(&x->scram);
	users_unref(&x->users);
}

enum step
exchange_step(struct exchange *x, bool has, struct str in)
{
	enum step step;

	buf_reset(&x->out);
	step = x->mechanism->step(x, has, in);
	x->steps++;
	return step;
}

enum verdict
exchange_check(struct exchange *x, struct users *now)
{
	users_ref(now);
	users_unref(&x->users);
	x->users = now;
	return x->mechanism->check(x);
}

bool
exchange_name(struct exchange *x, struct str name)
{
	buf_reset(&x->name);
	if (secrets_fold(name, &x->name) == 0 &&
	    secrets_is_user(buf_str(&x->name)))
		return true;
	buf_reset(&x->name);
	return false;
}
