/* SPDX-License-Identifier: ISC */
/*
 * packet - DNS packets made by hand, well-formed or not, for a resolver that
 * a test plays.
 */
#ifndef T_DNS_PACKET_H
#define T_DNS_PACKET_H

#include "wire.h"

#include <string.h>

static inline void
put_u16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8 & 0xff));
	buf_add_char(b, (char)(v & 0xff));
}

static inline void
put_u32(struct buf *b, uint32_t v)
{
	put_u16(b, v >> 16);
	put_u16(b, v & 0xffff);
}

static inline void
put_name(struct buf *b, const char *name)
{
	struct wire_name n = {.len = 0};

	if (wire_name_parse(str_c(name), &n) == 0)
		buf_add(b, n.bytes, n.len);
}

/* flags: 0x8180 is an answer of a resolver without error. */
static inline void
put_header(struct buf *b, unsigned id, unsigned flags, unsigned qd, unsigned an,
    unsigned ns)
{
	put_u16(b, id);
	put_u16(b, flags);
	put_u16(b, qd);
	put_u16(b, an);
	put_u16(b, ns);
	put_u16(b, 0);
}

static inline void
put_question(struct buf *b, const struct wire_question *q)
{
	buf_add(b, q->name.bytes, q->name.len);
	put_u16(b, q->type);
	put_u16(b, 1);
}

static inline void
put_rr(struct buf *b, const char *owner, unsigned type, uint32_t ttl,
    const void *data, size_t n)
{
	put_name(b, owner);
	put_u16(b, type);
	put_u16(b, 1);
	put_u32(b, ttl);
	put_u16(b, (unsigned)n);
	buf_add(b, data, n);
}

static inline void
put_rr_name(struct buf *b, const char *owner, unsigned type, uint32_t ttl,
    const char *name)
{
	struct wire_name n = {.len = 0};

	wire_name_parse(str_c(name), &n);
	put_rr(b, owner, type, ttl, n.bytes, n.len);
}

static inline void
put_mx(struct buf *b, const char *owner, uint32_t ttl, unsigned preference,
    const char *host)
{
	BUF_CLEANUP struct buf data = {0};

	buf_init(&data, 1000);
	put_u16(&data, preference);
	put_name(&data, host);
	put_rr(b, owner, DNS_MX, ttl, data.p, data.len);
}

static inline void
put_soa(struct buf *b, const char *owner, uint32_t ttl, uint32_t minimum)
{
	BUF_CLEANUP struct buf data = {0};

	buf_init(&data, 1000);
	put_name(&data, "ns.example");
	put_name(&data, "root.example");
	for (int i = 0; i < 4; i++)
		put_u32(&data, 1);
	put_u32(&data, minimum);
	put_rr(b, owner, 6, ttl, data.p, data.len);
}

#endif
