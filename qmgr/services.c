/* SPDX-License-Identifier: ISC */
/*
 * services - one conversation with each program that delivers, by the name of
 * its service, made by master when it is first needed.
 */
#include "qmgr.h"
#include "talk.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define LINK_DEADLINE (30 * CLOCK_SEC)

struct service {
	struct str name;
	struct talk *talk;
	struct link *link;
	char text[]; /* the name */
};

static struct chan *
open_link(struct talk *t, void *arg)
{
	struct service *s = arg;

	(void)t;
	return link_chan(s->link, clock_after(LINK_DEADLINE));
}

/* The link closes what has ended when it makes the next one. */
static void
close_link(struct talk *t, void *arg)
{
	(void)t;
	(void)arg;
}

struct talk *
services_get(struct qmgr *q, struct str service, const struct protocol *proto)
{
	struct service *s = map_get(&q->services, service);
	struct talk_way way = {.open = open_link, .close = close_link};

	if (s != NULL)
		return s->talk;
	s = calloc(1, sizeof(*s) + service.len + 1);
	if (s == NULL)
		log_fatal("out of memory for a service");
	memcpy(s->text, service.p, service.len);
	s->name = str_n(s->text, service.len);
	way.arg = s;
	s->talk = talk_new(&way);
	s->link = link_new(q->serve, s->text, proto, &talk_events, s->talk);
	map_put(&q->services, s->name, s);
	return s->talk;
}
