/* SPDX-License-Identifier: ISC */
/*
 * identity - the conversation with keys is kept by one task, which joins anew
 * when it broke; signatures and names are asked by whoever needs them.
 */
#include "mail/identity.h"

#include "base/log.h"
#include "base/map.h"
#include "mail/proto/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN   (1 * CLOCK_SEC) /* after keys could not be asked */
#define WHY_MAX 1024

struct identity {
	struct link *link;
	struct task *keeper;
	struct task_queue changed; /* something was told, or the end came */
	bool is_open;              /* joined; what changes will be told */
	bool is_told;              /* once */
	bool is_closing;
	char binding[KEYS_BINDING_MAX];
	size_t binding_len;

	struct tls_identity *own; /* NULL: none */
	uint64_t ntold;           /* rises with each KEYS_HELD */
	bool has_names;
	struct map names; /* struct named, for what was told last */

	struct tls_context *context;
	struct tls_ticket_key tickets[KEYS_TICKETS_MAX];
	size_t ntickets;
	long ticket_life;
};

/* What there is for a server name. */
struct named {
	struct tls_identity *tls;
	size_t len;
	char name[KEYS_NAME_MAX];
};

/* ---- signatures ---- */

struct signer {
	struct tls_signer signer; /* first: it is cast */
	struct identity *identity;
	char key[KEYS_ID];
};

static int
error_of(uint64_t verdict)
{
	switch ((enum keys_verdict)verdict) {
	case KEYS_OK:
		return 0;
	case KEYS_NO_KEY:
		return -ENOKEY;
	case KEYS_REFUSED:
		return -EACCES;
	case KEYS_BUSY:
		return -EAGAIN;
	case KEYS_FAILED:
		break;
	}
	return -EIO;
}

static int
sign(struct tls_signer *base, enum tls_scheme scheme, struct str message,
    struct buf *ret)
{
	struct signer *s = (struct signer *)base;
	struct keys_sign q = {
	    .key = str_n(s->key, KEYS_ID),
	    .scheme = (uint64_t)scheme,
	    .message = message,
	};
	const struct keys_signed *answer;
	struct parcel p;
	int e = link_call(s->identity->link, KEYS_SIGN, &q, NULL, 0, &p,
	    clock_after(KEYS_DEADLINE));

	if (e < 0)
		return e;
	answer = p.value;
	e = p.kind == KEYS_SIGNED ? error_of(answer->verdict) : -EPROTO;
	if (e == 0)
		e = buf_add_str(ret, answer->signature);
	parcel_done(&p);
	return e;
}

static void
signer_free(struct tls_signer *base)
{
	free(base);
}

static struct tls_signer *
signer_new(struct identity *id, struct str key)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for a signer");
	s->signer = (struct tls_signer){sign, signer_free};
	s->identity = id;
	memcpy(s->key, key.p, KEYS_ID);
	return &s->signer;
}

/* ---- chains ---- */

/* NULL when there is none that can be used. */
static struct tls_identity *
take_chains(struct identity *id, const struct rows *rows)
{
	const struct keys_chain *chain = rows->p;
	struct tls_identity *tls = tls_identity_new();
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		BUF_CLEANUP struct buf why = {0};
		int e;

		if (chain[i].key.len != KEYS_ID)
			continue;
		buf_init(&why, WHY_MAX);
		e = tls_identity_add(
		    tls, chain[i].pem, signer_new(id, chain[i].key), &why);
		if (e < 0)
			log_warning("a certificate of ours: %s", why.p);
		else
			n++;
	}
	if (n == 0)
		tls_identity_free(&tls);
	return tls;
}

static void
forget_names(struct identity *id)
{
	MAP_FOREACH (slot, &id->names) {
		struct named *n = slot->value;

		tls_identity_free(&n->tls);
		free(n);
	}
	map_clear(&id->names);
}

static void
hand_tickets(const struct identity *id)
{
	if (id->context != NULL)
		tls_context_tickets(
		    id->context, id->tickets, id->ntickets, id->ticket_life);
}

static void
take_tickets(struct identity *id, const struct keys_held *held)
{
	const struct keys_ticket *t = held->tickets.p;

	id->ntickets = 0;
	for (size_t i = 0; i < held->tickets.n; i++) {
		struct tls_ticket_key *key = &id->tickets[id->ntickets];

		_Static_assert(sizeof(*key) == KEYS_TICKET, "three parts");
		if (t[i].secret.len != KEYS_TICKET)
			continue;
		memcpy(key, t[i].secret.p, KEYS_TICKET);
		id->ntickets++;
	}
	id->ticket_life = (long)held->ticket_life;
	hand_tickets(id);
}

static void
take_held(struct identity *id, const struct keys_held *held)
{
	struct tls_identity *old = id->own;

	id->own = take_chains(id, &held->chains);
	tls_identity_free(&old);
	forget_names(id);
	id->has_names = held->has_names != 0;
	take_tickets(id, held);
	id->is_told = true;
	id->ntold++;
	task_wake_all(&id->changed);
}

/* ---- the conversation ---- */

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	(void)c;
	if (p->kind == KEYS_HELD && p->exchange == 0)
		take_held(arg, p->value);
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct identity *id = arg;

	(void)c;
	if (*why != '\0')
		log_warning("the conversation with keys ended: %s", why);
	id->is_open = false;
	task_wake_all(&id->changed);
}

static int
join(struct identity *id)
{
	struct keys_join q = {.binding = str_n(id->binding, id->binding_len)};
	int64_t deadline = clock_after(KEYS_DEADLINE);
	struct chan *c = link_chan(id->link, deadline);
	struct parcel p;
	int e;

	if (c == NULL)
		return -EPIPE;
	/* The end of the one before has been told. */
	id->is_open = true;
	e = chan_call(c, KEYS_JOIN, &q, NULL, 0, &p, deadline);
	if (e < 0) {
		id->is_open = false;
		return e;
	}
	if (p.kind == KEYS_HELD)
		take_held(id, p.value);
	parcel_done(&p);
	return 0;
}

static void
keep(void *arg)
{
	struct identity *id = arg;
	int e = 0;

	while (e != -ECANCELED && !id->is_closing) {
		if (!id->is_open && join(id) < 0)
			e = task_sleep(clock_after(AGAIN));
		else if (id->is_open)
			e = task_wait(&id->changed, CLOCK_NEVER);
	}
	id->keeper = NULL;
	task_wake_all(&id->changed);
}

struct identity *
identity_open(struct serve *sv, struct str binding)
{
	static const struct chan_events events = {on_parcel, on_close};
	struct identity *id = calloc(1, sizeof(*id));

	if (id == NULL || binding.len > sizeof(id->binding))
		log_fatal("no identity can be had");
	memcpy(id->binding, binding.p, binding.len);
	id->binding_len = binding.len;
	task_queue_init(&id->changed);
	map_init(&id->names);
	id->link = link_new(sv, "keys", &keys_protocol, &events, id);
	id->keeper = task_start(keep, id);
	return id;
}

void
identity_close(struct identity **idp)
{
	struct identity *id = *idp;

	*idp = NULL;
	if (id == NULL)
		return;
	id->is_closing = true;
	link_free(&id->link);
	if (id->keeper != NULL)
		task_cancel(id->keeper);
	while (id->keeper != NULL)
		if (task_wait(&id->changed, CLOCK_NEVER) == -ECANCELED)
			task_yield();
	forget_names(id);
	map_done(&id->names);
	tls_identity_free(&id->own);
	explicit_bzero(id->tickets, sizeof(id->tickets));
	free(id);
}

int
identity_wait(struct identity *id, int64_t deadline)
{
	int e = 0;

	while (e == 0 && !id->is_told)
		e = task_wait(&id->changed, deadline);
	return e;
}

bool
identity_is_there(const struct identity *id)
{
	return id->own != NULL;
}

void
identity_attach(struct identity *id, struct tls_context *c)
{
	id->context = c;
	hand_tickets(id);
}

/* ---- server names ---- */

static struct tls_identity *
keep_name(struct identity *id, struct str name, struct tls_identity *tls)
{
	struct named *n = map_get(&id->names, name);

	if (n != NULL) { /* another one asked meanwhile */
		tls_identity_free(&tls);
		return n->tls;
	}
	if (id->names.count == IDENTITY_NAMES)
		forget_names(id);
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		log_fatal("out of memory for a server name");
	n->tls = tls;
	n->len = name.len;
	memcpy(n->name, name.p, name.len);
	map_put(&id->names, str_n(n->name, n->len), n);
	return tls;
}

/* NULL: there is none of its own for it. */
static struct tls_identity *
ask_once(struct identity *id, struct str name)
{
	struct keys_find q = {.name = name};
	struct tls_identity *tls = NULL;
	const struct keys_has *has;
	struct parcel p;

	if (link_call(id->link, KEYS_FIND, &q, NULL, 0, &p,
		clock_after(KEYS_DEADLINE)) < 0)
		return NULL;
	has = p.value;
	if (p.kind == KEYS_HAS && has->find == FIND_YES)
		tls = take_chains(id, &has->chains);
	parcel_done(&p);
	return tls;
}

/* Again when something else was told meanwhile: an answer from before it
 * would be kept until the next change, and its key does not sign so long. */
static struct tls_identity *
ask_name(struct identity *id, struct str name)
{
	struct tls_identity *tls = NULL;
	uint64_t ntold;

	do {
		ntold = id->ntold;
		tls_identity_free(&tls);
		tls = ask_once(id, name);
	} while (tls != NULL && id->ntold != ntold);
	return tls == NULL ? NULL : keep_name(id, name, tls);
}

const struct tls_identity *
identity_find(void *identity, struct str name)
{
	struct identity *id = identity;
	struct tls_identity *tls = NULL;
	ARENA_CLEANUP struct arena a = {0};
	struct named *n;

	if (!id->has_names || name.len == 0 || name.len > KEYS_NAME_MAX)
		return id->own;
	arena_init(&a, 4 * KEYS_NAME_MAX);
	name = arena_lower(&a, name);
	n = map_get(&id->names, name);
	tls = n != NULL ? n->tls : ask_name(id, name);
	return tls != NULL ? tls : id->own;
}
