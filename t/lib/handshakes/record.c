/* SPDX-License-Identifier: ISC */
/* record - messages in records over a connection to 127.0.0.1. */
#include "record.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD     5
#define EXPLICIT 8 /* of a nonce, in TLS 1.2 */

/* ---- bytes ---- */

void
out_number(struct out *o, size_t bytes, uint64_t value)
{
	assert(o->n + bytes <= sizeof(o->p));
	while (bytes-- > 0)
		o->p[o->n++] = (unsigned char)(value >> 8 * bytes);
}

void
out_add(struct out *o, const void *p, size_t n)
{
	assert(o->n + n <= sizeof(o->p));
	if (n > 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

size_t
out_open(struct out *o, size_t bytes)
{
	out_number(o, bytes, 0);
	return o->n;
}

void
out_close(struct out *o, size_t at, size_t bytes)
{
	size_t end = o->n;

	o->n = at - bytes;
	out_number(o, bytes, end - at);
	o->n = end;
}

struct in
in_take(struct in *i, size_t n)
{
	struct in got = {i->p, n};

	if (i->n < n)
		die("the server's message ends too early");
	i->p += n;
	i->n -= n;
	return got;
}

uint64_t
in_number(struct in *i, size_t bytes)
{
	struct in at = in_take(i, bytes);
	uint64_t value = 0;

	for (size_t k = 0; k < bytes; k++)
		value = value << 8 | at.p[k];
	return value;
}

struct in
in_field(struct in *i, size_t bytes)
{
	return in_take(i, in_number(i, bytes));
}

/* ---- the socket ---- */

void
conn_open(struct conn *c, struct crypto *crypto, bool is_13, int port)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1;

	memset(c, 0, offsetof(struct conn, raw));
	c->crypto = crypto;
	c->is_13 = is_13;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("no connection: %s", strerror(errno));
}

void
conn_close(struct conn *c)
{
	close(c->fd);
}

void
conn_send(struct conn *c, const struct out *o)
{
	if (write(c->fd, o->p, o->n) != (ssize_t)o->n)
		die("the server does not read: %s", strerror(errno));
}

static unsigned char *
read_raw(struct conn *c, size_t n)
{
	unsigned char *at;

	while (c->raw_n - c->raw_at < n) {
		ssize_t got =
		    read(c->fd, c->raw + c->raw_n, RECORD_ROOM - c->raw_n);

		if (got <= 0)
			die("the server says no more: %s",
			    got < 0 ? strerror(errno) : "it closed");
		c->raw_n += (size_t)got;
	}
	at = c->raw + c->raw_at;
	c->raw_at += n;
	return at;
}

/* ---- records ---- */

/* RFC 8446 section 5.3; RFC 5288 section 3: there the count is sent along. */
static void
make_iv(const struct conn *c, const struct direction *d,
    const unsigned char *explicit, unsigned char iv[CRYPTO_IV])
{
	memcpy(iv, d->iv, CRYPTO_IV);
	if (!c->is_13)
		memcpy(iv + 4, explicit, EXPLICIT);
	else
		for (int i = 0; i < 8; i++)
			iv[11 - i] ^= (unsigned char)(d->count >> 8 * i);
}

/* What is authenticated beside a record's text. */
static void
make_head(const struct conn *c, uint64_t count, int content, size_t n,
    struct out *ret)
{
	ret->n = 0;
	if (!c->is_13)
		out_number(ret, 8, count);
	out_number(ret, 1, (uint64_t)content);
	out_number(ret, 2, 0x0303);
	out_number(ret, 2, n);
}

static void
add_encrypted(
    struct conn *c, struct out *o, int content, const void *text, size_t n)
{
	struct direction *d = &c->write;
	size_t inner = c->is_13 ? n + 1 : n, at;
	unsigned char iv[CRYPTO_IV];
	struct out head;

	out_number(o, 1, (uint64_t)(c->is_13 ? CONTENT_DATA : content));
	out_number(o, 2, 0x0303);
	at = out_open(o, 2);
	if (!c->is_13)
		out_number(o, EXPLICIT, d->count);
	make_iv(c, d, o->p + at, iv);
	make_head(c, d->count, c->is_13 ? CONTENT_DATA : content,
	    c->is_13 ? inner + CRYPTO_TAG : inner, &head);
	out_add(o, text, n);
	if (c->is_13)
		out_number(o, 1, (uint64_t)content);
	out_add(o, (unsigned char[CRYPTO_TAG]){0}, CRYPTO_TAG);
	crypto_seal(c->crypto, d->key, iv, (struct part){head.p, head.n},
	    o->p + o->n - CRYPTO_TAG - inner, inner);
	out_close(o, at, 2);
	d->count++;
}

void
conn_record(
    struct conn *c, struct out *o, int content, const void *text, size_t n)
{
	if (c->write.is_encrypted) {
		add_encrypted(c, o, content, text, n);
		return;
	}
	out_number(o, 1, (uint64_t)content);
	out_number(o, 2, 0x0303);
	out_number(o, 2, n);
	out_add(o, text, n);
}

/* In place; the content's type is inside in TLS 1.3. */
static struct in
decrypt(struct conn *c, int *content, unsigned char *text, size_t n)
{
	struct direction *d = &c->read;
	size_t extra = (c->is_13 ? 1 : EXPLICIT) + CRYPTO_TAG, inner;
	unsigned char iv[CRYPTO_IV];
	struct out head;

	if (n < extra)
		die("a record is too short");
	make_iv(c, d, text, iv);
	if (!c->is_13)
		text += EXPLICIT;
	inner = n - CRYPTO_TAG - (c->is_13 ? 0 : EXPLICIT);
	make_head(c, d->count, *content, c->is_13 ? n : inner, &head);
	crypto_open(
	    c->crypto, d->key, iv, (struct part){head.p, head.n}, text, inner);
	d->count++;
	if (c->is_13) {
		while (inner > 1 && text[inner - 1] == 0)
			inner--;
		*content = text[--inner];
	}
	return (struct in){text, inner};
}

static struct in
read_record(struct conn *c, int *content)
{
	unsigned char *head = read_raw(c, HEAD);
	size_t n = (size_t)head[3] << 8 | head[4];
	unsigned char *text = read_raw(c, n);

	*content = head[0];
	/* In TLS 1.3 the one of compatibility is never encrypted. */
	if (c->read.is_encrypted && *content != CONTENT_CIPHER)
		return decrypt(c, content, text, n);
	return (struct in){text, n};
}

static void
take_record(struct conn *c)
{
	int content;
	struct in text = read_record(c, &content);

	switch (content) {
	case CONTENT_HANDSHAKE:
		if (text.n > RECORD_ROOM - c->text_n)
			die("the server says too much");
		memcpy(c->text + c->text_n, text.p, text.n);
		c->text_n += text.n;
		break;
	case CONTENT_CIPHER:
		if (c->is_13)
			break;
		if (!c->may_switch)
			die("the server encrypts too early");
		c->read.is_encrypted = true;
		break;
	case CONTENT_ALERT:
		die("the server's alert: %d", text.n == 2 ? text.p[1] : -1);
	default: /* its greeting */
		break;
	}
}

struct message
conn_message(struct conn *c)
{
	struct message m = {0};
	size_t n;

	while (c->text_n - c->text_at < 4)
		take_record(c);
	m.whole = (struct in){c->text + c->text_at, 4};
	m.type = m.whole.p[0];
	n = (size_t)m.whole.p[1] << 16 | (size_t)m.whole.p[2] << 8 |
	    m.whole.p[3];
	while (c->text_n - c->text_at < 4 + n)
		take_record(c);
	m.whole.n += n;
	m.body = (struct in){m.whole.p + 4, n};
	c->text_at += m.whole.n;
	return m;
}
