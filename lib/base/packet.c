/* SPDX-License-Identifier: ISC */
/* packet - parcels cut into packets and joined again. */
#include "base/packet.h"

#include "base/log.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Decoded, a value takes less than three times its bytes on the wire (a field
 * of 6 bytes and a name becomes one of 16); decoding wants twice that room. */
#define ARENA_FACTOR 8
#define ARENA_BASE   4096

void
packet_put_header(
    const struct packet_header *h, unsigned char bytes[PACKET_HEADER])
{
	uint32_t exchange = htole32(h->exchange);

	bytes[0] = h->kind;
	bytes[1] = h->flags;
	bytes[2] = h->nfds;
	bytes[3] = 0;
	memcpy(bytes + 4, &exchange, sizeof(exchange));
}

static int
parse_header(struct str packet, struct packet_header *ret)
{
	const unsigned char *p = (const unsigned char *)packet.p;
	uint32_t exchange;

	if (packet.len < PACKET_HEADER || packet.len > CHAN_PACKET)
		return -EPROTO;
	if ((p[1] & ~(PACKET_MORE | PACKET_ASKS)) != 0 || p[3] != 0)
		return -EPROTO;
	memcpy(&exchange, p + 4, sizeof(exchange));
	*ret = (struct packet_header){p[0], p[1], p[2], le32toh(exchange)};
	return 0;
}

size_t
packet_count(size_t bytes, size_t nfds)
{
	size_t by_bytes = (bytes + PACKET_DATA - 1) / PACKET_DATA;
	size_t by_fds = (nfds + CHAN_FDS - 1) / CHAN_FDS;
	size_t n = by_bytes > by_fds ? by_bytes : by_fds;

	return n > 0 ? n : 1;
}

void
joiner_init(struct joiner *j)
{
	*j = (struct joiner){0};
	buf_init(&j->bytes, CHAN_PARCEL_MAX);
}

static void
close_all(const int *fds, size_t nfds)
{
	for (size_t i = 0; i < nfds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void
joiner_done(struct joiner *j)
{
	close_all(j->fds, j->nfds);
	free(j->fds);
	buf_done(&j->bytes);
	joiner_init(j);
}

/* SECURITY: a parcel's bounds are checked before anything is kept. */
static const char *
find_fault(const struct joiner *j, struct str packet, size_t nfds,
    const struct packet_header *h)
{
	if (h->nfds != nfds)
		return "a descriptor was lost";
	if (j->nfds + nfds > CHAN_PARCEL_FDS)
		return "too many descriptors";
	if (j->bytes.len + packet.len - PACKET_HEADER > CHAN_PARCEL_MAX)
		return "the parcel is too large";
	if (j->is_open &&
	    (h->kind != j->header.kind || h->exchange != j->header.exchange ||
		(h->flags | PACKET_MORE) != (j->header.flags | PACKET_MORE)))
		return "parcels are mixed up";
	/* An empty part moves nothing: a row of them would never end. */
	if (packet.len == PACKET_HEADER && nfds == 0)
		return "a packet is empty";
	return NULL;
}

static void
keep_fds(struct joiner *j, const int *fds, size_t nfds)
{
	if (nfds == 0)
		return;
	j->fds = reallocarray(j->fds, j->nfds + nfds, sizeof(*fds));
	if (j->fds == NULL)
		log_fatal("out of memory for %zu descriptors", nfds);
	memcpy(j->fds + j->nfds, fds, nfds * sizeof(*fds));
	j->nfds += nfds;
}

int
joiner_add(struct joiner *j, struct str packet, const int *fds, size_t nfds,
    const char **ret_why)
{
	struct packet_header h;
	const char *why = "a packet has no proper header";

	if (parse_header(packet, &h) == 0)
		why = find_fault(j, packet, nfds, &h);
	if (why != NULL) {
		close_all(fds, nfds);
		*ret_why = why;
		return -EPROTO;
	}
	keep_fds(j, fds, nfds);
	buf_add_str(&j->bytes, str_from(packet, PACKET_HEADER));
	j->header = h;
	j->is_open = (h.flags & PACKET_MORE) != 0;
	return j->is_open ? 0 : 1;
}

int
joiner_take(struct joiner *j, const struct shape *shape,
    struct parcel *ret_parcel, const char **ret_why)
{
	struct parcel p = {
	    .kind = j->header.kind,
	    .exchange = j->header.exchange,
	    .fds = j->fds,
	    .nfds = j->nfds,
	    .bytes = j->bytes,
	};
	void *value;
	int r;

	assert(!j->is_open);
	joiner_init(j);
	arena_init(&p.arena,
	    ARENA_BASE + 4 * shape->size + ARENA_FACTOR * p.bytes.len);
	value = arena_alloc(&p.arena, shape->size);
	r = shape_decode(shape, buf_str(&p.bytes), &p.arena, value, ret_why);
	if (r < 0) {
		parcel_done(&p);
		return r;
	}
	p.value = value;
	*ret_parcel = p;
	return 0;
}

void
parcel_done(struct parcel *p)
{
	close_all(p->fds, p->nfds);
	free(p->fds);
	buf_done(&p->bytes);
	arena_done(&p->arena);
	*p = (struct parcel){0};
}

int
parcel_take_fd(struct parcel *p, size_t i)
{
	int fd;

	if (i >= p->nfds)
		return -1;
	fd = p->fds[i];
	p->fds[i] = -1;
	return fd;
}

void
parcel_take(struct parcel *p, struct parcel *ret_mine)
{
	*ret_mine = *p;
	*p = (struct parcel){0};
}
