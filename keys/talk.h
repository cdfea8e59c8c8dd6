/* SPDX-License-Identifier: ISC */
/* talk - the conversations with those who speak TLS (mail/proto/keys.h). */
#ifndef KEYS_TALK_H
#define KEYS_TALK_H

#include "service.h"

struct talks {
	struct services services;
	LIST_HEAD(, talk) open;
	struct task_queue due; /* ticket keys have another time */
};

void talks_init(struct talks *t);

/* A program was linked to us, `client` as master says: takes the descriptor. */
void talks_linked(struct talks *t, struct str client, int fd);

/* Another configuration; whoever has something new is told. */
void talks_load(struct talks *t, const struct keys_config *c,
    const struct services_from *from);

/* End all conversations. */
void talks_close(struct talks *t);

/* Ticket keys that are due, for ever: a task's. */
void talks_tend(struct talks *t);

#endif
