/* SPDX-License-Identifier: ISC */
/*
 * wire - packets of the DNS.  Names are compared and followed in wire form;
 * ldns decompresses and checks the form of each record's data.
 */
#include "wire.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <string.h>

#define HEADER   12 /* RFC 1035 section 4.1.1 */
#define FLAG_QR  0x80
#define FLAG_TC  0x02
#define LABEL    63
#define TTL_MAX  (UINT32_MAX / 2) /* RFC 2181 section 8 */
#define CLASS_IN 1

static bool
is_name_byte(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '\\';
}

int
wire_name_parse(struct str text, struct wire_name *ret)
{
	struct wire_name n = {.len = 0};

	if (str_eq(text, STR(".")))
		text = STR_NONE;
	if (str_has_suffix(text, STR(".")))
		text.len--;
	while (text.len > 0) {
		struct str label, rest;
		bool more = str_cut(text, '.', &label, &rest);
		if (label.len == 0 || label.len > LABEL ||
		    n.len + 1 + label.len >= WIRE_NAME_MAX ||
		    (more && rest.len == 0))
			return -EINVAL;
		n.bytes[n.len++] = (uint8_t)label.len;
		for (size_t i = 0; i < label.len; i++) {
			if (!is_name_byte((uint8_t)label.p[i]))
				return -EINVAL;
			n.bytes[n.len++] = (uint8_t)label.p[i];
		}
		text = rest;
	}
	n.bytes[n.len++] = 0;
	*ret = n;
	return 0;
}

static uint8_t
lower(uint8_t c)
{
	return (uint8_t)str_lower_char((char)c);
}

struct str
wire_name_format(const struct wire_name *name, struct arena *a)
{
	BUF_CLEANUP struct buf b = {0};
	size_t at = 0;

	buf_init(&b, DNS_NAME_MAX);
	while (at < name->len && name->bytes[at] != 0) {
		size_t end = at + 1 + name->bytes[at];
		if (at > 0)
			buf_add_char(&b, '.');
		for (at++; at < end; at++) {
			uint8_t c = lower(name->bytes[at]);
			if (str_is_alnum_char((char)c) || c == '-' || c == '_')
				buf_add_char(&b, (char)c);
			else
				buf_addf(&b, "\\%03u", c);
		}
	}
	return arena_str(a, buf_str(&b));
}

bool
wire_name_eq(const struct wire_name *x, const struct wire_name *y)
{
	if (x->len != y->len)
		return false;
	/* A length byte is below 'A', so it is its own lower case. */
	for (size_t i = 0; i < x->len; i++)
		if (lower(x->bytes[i]) != lower(y->bytes[i]))
			return false;
	return true;
}

void
wire_name_scramble(struct wire_name *name)
{
	for (size_t i = 0; i < name->len; i++) {
		char c = (char)name->bytes[i];
		if (arc4random_uniform(2) == 0)
			name->bytes[i] = (uint8_t)str_lower_char(c);
		else
			name->bytes[i] = (uint8_t)str_upper_char(c);
	}
}

int
wire_ask(const struct wire_question *q, struct buf *out)
{
	ldns_rdf *name =
	    ldns_dname_new_frm_data((uint16_t)q->name.len, q->name.bytes);
	ldns_pkt *pkt;
	uint8_t *bytes = NULL;
	size_t n = 0;
	int e = -EINVAL;

	if (name == NULL)
		return -EINVAL;
	pkt = ldns_pkt_query_new(
	    name, (ldns_rr_type)q->type, LDNS_RR_CLASS_IN, LDNS_RD);
	if (pkt == NULL) {
		ldns_rdf_deep_free(name);
		return -EINVAL;
	}
	ldns_pkt_set_id(pkt, q->id);
	ldns_pkt_set_ad(pkt, q->want_ad);
	if (q->edns)
		ldns_pkt_set_edns_udp_size(pkt, WIRE_EDNS_SIZE);
	buf_reset(out);
	if (ldns_pkt2wire(&bytes, pkt, &n) == LDNS_STATUS_OK)
		e = buf_add(out, bytes, n);
	free(bytes);
	ldns_pkt_free(pkt);
	return e;
}

static uint8_t
byte_at(struct str s, size_t i)
{
	return (uint8_t)s.p[i];
}

static unsigned
u16_at(struct str s, size_t i)
{
	return (unsigned)byte_at(s, i) << 8 | byte_at(s, i + 1);
}

enum wire_match
wire_match(const struct wire_question *q, struct str packet, bool exact)
{
	size_t end = HEADER + q->name.len;

	if (packet.len < HEADER || u16_at(packet, 0) != q->id ||
	    (byte_at(packet, 2) & FLAG_QR) == 0)
		return WIRE_FOREIGN;
	/* The only question, and uncompressed: nothing stands before it. */
	if (u16_at(packet, 4) != 1 || packet.len < end + 4 ||
	    u16_at(packet, end) != q->type ||
	    u16_at(packet, end + 2) != CLASS_IN)
		return WIRE_SUSPECT;
	if (exact)
		return memcmp(packet.p + HEADER, q->name.bytes, q->name.len) ==
		               0
		           ? WIRE_MATCH
		           : WIRE_SUSPECT;
	struct wire_name asked = {.len = q->name.len};
	memcpy(asked.bytes, packet.p + HEADER, asked.len);
	return wire_name_eq(&asked, &q->name) ? WIRE_MATCH : WIRE_SUSPECT;
}

static bool
take_name(const ldns_rdf *rdf, struct wire_name *ret)
{
	size_t n = rdf == NULL ? 0 : ldns_rdf_size(rdf);

	if (n == 0 || n > WIRE_NAME_MAX ||
	    ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME)
		return false;
	memcpy(ret->bytes, ldns_rdf_data(rdf), n);
	ret->len = n;
	return true;
}

static struct str
rdf_bytes(const ldns_rdf *rdf)
{
	return str_n((const char *)ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

/* The strings of a TXT record joined, or any record's data as it came. */
static struct str
join_data(const ldns_rr *rr, bool strings, struct arena *a)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, WIRE_PACKET_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		struct str s = rdf_bytes(ldns_rr_rdf(rr, i));
		buf_add_str(&b, strings ? str_from(s, 1) : s);
	}
	return arena_str(a, buf_str(&b));
}

static bool
take_name_record(const ldns_rdf *rdf, struct arena *a, struct dns_record *ret)
{
	struct wire_name name;

	if (!take_name(rdf, &name))
		return false;
	ret->data = wire_name_format(&name, a);
	return true;
}

/* False for a record whose data is not what its type says. */
static bool
take_record(
    const ldns_rr *rr, uint16_t type, struct arena *a, struct dns_record *ret)
{
	size_t n = ldns_rr_rd_count(rr);

	*ret = (struct dns_record){.type = type};
	if (n == 0)
		return false;
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		ret->data = join_data(rr, false, a);
		return ret->data.len == (type == DNS_A ? 4 : 16);
	case DNS_MX:
		if (n != 2 || ldns_rdf_size(ldns_rr_rdf(rr, 0)) != 2)
			return false;
		ret->preference = u16_at(rdf_bytes(ldns_rr_rdf(rr, 0)), 0);
		return take_name_record(ldns_rr_rdf(rr, 1), a, ret);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		return n == 1 && take_name_record(ldns_rr_rdf(rr, 0), a, ret);
	default:
		ret->data = join_data(rr, type == DNS_TXT, a);
		return true;
	}
}

static void
lower_ttl(uint64_t *ttl, uint32_t other)
{
	if (other > TTL_MAX)
		other = 0;
	if (other < *ttl)
		*ttl = other;
}

static bool
is_record(const ldns_rr *rr, uint16_t type, const struct wire_name *name)
{
	struct wire_name owner;

	return ldns_rr_get_type(rr) == (ldns_rr_type)type &&
	       ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       take_name(ldns_rr_owner(rr), &owner) &&
	       wire_name_eq(&owner, name);
}

/* The records of the type at `name`: their count. */
static size_t
take_records(const ldns_rr_list *rrs, uint16_t type,
    const struct wire_name *name, struct arena *a, struct dns_answer *ret)
{
	struct dns_record *rows =
	    arena_array(a, DNS_RECORDS_MAX, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(rrs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
		if (n == DNS_RECORDS_MAX)
			break;
		if (!is_record(rr, type, name) ||
		    !take_record(rr, type, a, &rows[n]))
			continue;
		lower_ttl(&ret->ttl, ldns_rr_ttl(rr));
		n++;
	}
	ret->records = (struct rows){rows, n};
	return n;
}

/* One step along an alias; false when there is none at *name. */
static bool
follow(const ldns_rr_list *rrs, struct wire_name *name, struct dns_answer *ret)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(rrs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
		if (!is_record(rr, DNS_CNAME, name) ||
		    ldns_rr_rd_count(rr) != 1)
			continue;
		lower_ttl(&ret->ttl, ldns_rr_ttl(rr));
		return take_name(ldns_rr_rdf(rr, 0), name);
	}
	return false;
}

/* How long a "no" may be kept: RFC 2308 section 5. */
static bool
has_soa(const ldns_rr_list *authority, uint64_t *ttl)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(authority, i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA ||
		    ldns_rr_rd_count(rr) != 7)
			continue;
		lower_ttl(ttl, ldns_rr_ttl(rr));
		lower_ttl(ttl, ldns_rdf2native_int32(ldns_rr_rdf(rr, 6)));
		return true;
	}
	return false;
}

static enum wire_verdict
fail(struct dns_answer *ret, const char *why)
{
	*ret = (struct dns_answer){.find = FIND_RETRY, .why = str_c(why)};
	return WIRE_FAILED;
}

static const char *
rcode_text(unsigned rcode)
{
	switch (rcode) {
	case LDNS_RCODE_FORMERR:
		return "FORMERR";
	case LDNS_RCODE_SERVFAIL:
		return "SERVFAIL";
	case LDNS_RCODE_NOTIMPL:
		return "NOTIMP";
	case LDNS_RCODE_REFUSED:
		return "REFUSED";
	default:
		return "an error";
	}
}

static enum wire_verdict
read_sections(const struct wire_question *q, const ldns_pkt *pkt,
    struct arena *a, struct dns_answer *ret, struct wire_name *name)
{
	const ldns_rr_list *rrs = ldns_pkt_answer(pkt);
	bool nxdomain = ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN;
	unsigned steps = 0;

	ret->ttl = TTL_MAX;
	while (take_records(rrs, q->type, name, a, ret) == 0 &&
	       q->type != DNS_CNAME && follow(rrs, name, ret))
		if (++steps > WIRE_CNAMES_MAX)
			return fail(ret, "too many aliases");
	ret->name = wire_name_format(name, a);
	if (ret->records.n > 0) {
		ret->find = FIND_YES;
		return WIRE_FINAL;
	}
	ret->find = FIND_NO;
	ret->nxdomain = nxdomain;
	if (has_soa(ldns_pkt_authority(pkt), &ret->ttl))
		return WIRE_FINAL;
	if (steps > 0 && !nxdomain)
		return WIRE_ASK_ON;
	ret->ttl = 0;
	return WIRE_FINAL;
}

static enum wire_verdict
read_packet(const struct wire_question *q, const ldns_pkt *pkt, bool trusted,
    struct arena *a, struct dns_answer *ret, struct wire_name *ret_next)
{
	unsigned rcode = (unsigned)ldns_pkt_get_rcode(pkt);

	if (ldns_pkt_get_opcode(pkt) != LDNS_PACKET_QUERY)
		return fail(ret, "not an answer to a query");
	if (q->edns &&
	    (rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL ||
		ldns_pkt_edns_extended_rcode(pkt) != 0))
		return WIRE_NO_EDNS;
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return fail(ret, rcode_text(rcode));
	/* Neither asks for us nor knows by itself: lame. */
	if (!ldns_pkt_ra(pkt) && !ldns_pkt_aa(pkt))
		return fail(ret, "a referral");
	*ret = (struct dns_answer){.secure = trusted && ldns_pkt_ad(pkt)};
	*ret_next = q->name;
	return read_sections(q, pkt, a, ret, ret_next);
}

/* The counts of the header: what a packet claims to hold. */
static bool
is_bounded(struct str packet)
{
	return u16_at(packet, 6) + u16_at(packet, 8) + u16_at(packet, 10) <=
	       WIRE_RECORDS_MAX;
}

enum wire_verdict
wire_read(const struct wire_question *q, struct str packet, bool trusted,
    struct arena *a, struct dns_answer *ret, struct wire_name *ret_next)
{
	ldns_pkt *pkt = NULL;

	if (packet.len < HEADER || packet.len > WIRE_PACKET_MAX)
		return fail(ret, "a malformed packet");
	if ((byte_at(packet, 2) & FLAG_TC) != 0)
		return WIRE_TRUNCATED;
	if (!is_bounded(packet))
		return fail(ret, "too many records");
	if (ldns_wire2pkt(&pkt, (const uint8_t *)packet.p, packet.len) !=
	    LDNS_STATUS_OK)
		return fail(ret, "a malformed packet");
	enum wire_verdict v = read_packet(q, pkt, trusted, a, ret, ret_next);
	ldns_pkt_free(pkt);
	return v;
}
