/* SPDX-License-Identifier: ISC */
/* programs - the table of programs and the table of conversations. */
#include "programs.h"

#include "mail/param.h"

#include <linux/capability.h>

const struct program_row programs[PROGRAMS] = {
    {.name = "keys",
	.user = "valija-keys",
	.users = USER_KEYS,
	.turn = TURN_OTHERS,
	.is_kept = true,
	.keep_caps = 1u << CAP_IPC_LOCK},
    {.name = "dns",
	.user = "valija-dns",
	.users = USER_DNS,
	.turn = TURN_OTHERS},
    {.name = "lookup",
	.user = "valija-lookup",
	.users = USER_LOOKUP,
	.root = ROOT_ALL,
	.turn = TURN_OTHERS},
    {.name = "auth",
	.user = "valija-auth",
	.users = USER_AUTH,
	.turn = TURN_OTHERS,
	.is_kept = true,
	.is_stream = true},
    {.name = "memo",
	.user = "valija-memo",
	.users = USER_MEMO,
	.turn = TURN_OTHERS,
	.is_on_demand = true,
	.is_kept = true},
    {.name = "pam",
	.user = "valija-pam",
	.users = USER_PAM,
	.root = ROOT_ALL,
	.turn = TURN_OTHERS,
	.is_on_demand = true,
	.is_stream = true,
	.group = "shadow"},
    {.name = "mda",
	.user = "valija-mda",
	.users = USER_MDA,
	.root = ROOT_ALL,
	.turn = TURN_OTHERS,
	.keep_caps = 1u << CAP_SETUID | 1u << CAP_SETGID},
    {.name = "local",
	.user = "valija-local",
	.users = USER_LOCAL,
	.turn = TURN_OTHERS},
    {.name = "smtp",
	.user = "valija-smtp",
	.users = USER_SMTP,
	.turn = TURN_OTHERS,
	.is_on_demand = true,
	.has_mail_group = true},
    {.name = "qmgr",
	.user = "valija-queue",
	.users = USER_QMGR,
	.root = ROOT_QUEUE,
	.turn = TURN_QUEUE,
	.is_kept = true,
	.dir = "queue"},
    {.name = "bounce",
	.user = "valija-bounce",
	.users = USER_BOUNCE,
	.turn = TURN_OTHERS,
	.is_on_demand = true},
    {.name = "pickup",
	.user = "valija-pickup",
	.users = USER_PICKUP,
	.root = ROOT_MAILDROP,
	.turn = TURN_TAKERS,
	.dir = "maildrop"},
    {.name = "smtpd",
	.user = "valija-smtpd",
	.users = USER_SMTPD,
	.turn = TURN_TAKERS,
	.has_mail_group = true},
};

static const struct {
	const char *client, *server;
} talks[] = {
    {"smtpd", "qmgr"},
    {"smtpd", "dns"},
    {"smtpd", "lookup"},
    {"smtpd", "keys"},
    {"smtpd", "auth"},
    {"auth", "pam"},
    {"smtpd", "memo"},
    {"pickup", "qmgr"},
    {"pickup", "lookup"},
    {"bounce", "qmgr"},
    {"bounce", "lookup"},
    {"qmgr", "local"},
    {"qmgr", "mda"},
    {"qmgr", "bounce"},
    {"qmgr", "smtp"},
    {"qmgr", "lookup"},
    {"local", "mda"},
    {"local", "lookup"},
    {"smtp", "dns"},
    {"smtp", "lookup"},
    {"smtp", "keys"},
    {"smtp", "bounce"},
};

const struct program_row *
program_find(struct str name)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		if (str_eq(name, str_c(programs[i].name)))
			return &programs[i];
	return NULL;
}

bool
program_may_talk(
    const struct program_row *client, const struct program_row *server)
{
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++)
		if (str_eq(str_c(talks[i].client), str_c(client->name)) &&
		    str_eq(str_c(talks[i].server), str_c(server->name)))
			return true;
	return false;
}
