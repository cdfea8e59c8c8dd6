/* SPDX-License-Identifier: ISC */
/*
 * services - one conversation with each program that delivers, by the name of
 * its service, made by master when it is first needed, and anew when the
 * program says that it leaves, or the configuration is another one: what it has
 * in hand then ends with it.
 */
#include "qmgr.h"
#include "talk.h"

#include "base/log.h"
#include "mail/proto/job.h"

#include <stdlib.h>
#include <string.h>

#define LINK_DEADLINE (30 * CLOCK_SEC)

/* With one process of the service. */
struct line {
	struct service *service;
	struct talk *talk;
	struct link *link;
};

struct service {
	struct qmgr *qmgr;
	const struct protocol *proto;
	struct str name;
	struct line *line; /* for the next request; NULL: a new one */
	char text[];       /* the name */
};

static struct chan *
open_link(struct talk *t, void *arg)
{
	struct line *l = arg;

	(void)t;
	return link_chan(l->link, clock_after(LINK_DEADLINE));
}

/* The link closes what has ended when it makes the next one. */
static void
close_link(struct talk *t, void *arg)
{
	(void)t;
	(void)arg;
}

static void
leave_line(struct service *s)
{
	struct talk *t = s->line->talk;

	s->line = NULL;
	talk_free(&t);
}

static void
hear_leaving(struct talk *t, const struct parcel *p, void *arg)
{
	struct line *l = arg;
	struct service *s = l->service;

	(void)t;
	if (s->proto == &job_protocol && p->kind == JOB_LEAVING && s->line == l)
		leave_line(s);
}

static void
free_line(void *arg)
{
	struct line *l = arg;

	link_free(&l->link);
	free(l);
}

static struct line *
new_line(struct service *s)
{
	struct line *l = calloc(1, sizeof(*l));
	struct talk_way way = {
	    .open = open_link,
	    .close = close_link,
	    .told = hear_leaving,
	    .freed = free_line,
	    .arg = l,
	};

	if (l == NULL)
		log_fatal("out of memory for a conversation");
	l->service = s;
	l->talk = talk_new(&way);
	l->link =
	    link_new(s->qmgr->serve, s->text, s->proto, &talk_events, l->talk);
	return l;
}

static struct service *
find_service(struct qmgr *q, struct str name, const struct protocol *proto)
{
	struct service *s = map_get(&q->services, name);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s) + name.len + 1);
	if (s == NULL)
		log_fatal("out of memory for a service");
	memcpy(s->text, name.p, name.len);
	s->name = str_n(s->text, name.len);
	s->qmgr = q;
	s->proto = proto;
	map_put(&q->services, s->name, s);
	return s;
}

struct talk *
services_get(struct qmgr *q, struct str service, const struct protocol *proto)
{
	struct service *s = find_service(q, service, proto);

	if (s->line == NULL)
		s->line = new_line(s);
	return s->line->talk;
}

void
services_renew(struct qmgr *q)
{
	MAP_FOREACH (slot, &q->services) {
		struct service *s = slot->value;

		if (s->line != NULL)
			leave_line(s);
	}
}
