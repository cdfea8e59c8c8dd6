/* SPDX-License-Identifier: ISC */
/*
 * exchange - the transport of the DNS: UDP (RFC 1035 section 4.2.1, RFC
 * 5452), and TCP (section 4.2.2, RFC 7766).
 */
#include "exchange.h"

#include "base/task.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_LOWEST 1024
#define BIND_TRIES  10
#define UDP_ROOM    4096
#define FOREIGN_MAX 100 /* packets that are not ours, before TCP */

static int
open_socket(const struct resolver *r, int type, struct io *io)
{
	int family = r->ip.family == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int e = io_init(io, fd);
	if (e != 0)
		close(fd);
	return e;
}

/* Any port above 1023 that is free; after some tries the kernel's choice. */
static void
bind_random(int fd, uint8_t family)
{
	struct ip any = {.family = family};
	struct sockaddr_storage ss;

	for (int i = 0; i < BIND_TRIES; i++) {
		uint32_t port = PORT_LOWEST + arc4random_uniform(
						  UINT16_MAX + 1 - PORT_LOWEST);
		socklen_t len = ip_to_sockaddr(&any, (uint16_t)port, &ss);
		if (bind(fd, (struct sockaddr *)&ss, len) == 0)
			return;
	}
}

static int
connect_to(const struct resolver *r, struct io *io, int64_t deadline)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&r->ip, r->port, &ss);

	return io_connect(io, (struct sockaddr *)&ss, len, deadline);
}

static int
read_until_ours(struct io *io, const struct wire_question *q,
    struct buf *packet, int64_t deadline)
{
	for (int i = 0; i < FOREIGN_MAX; i++) {
		buf_reset(packet);
		char *room = buf_room(packet, UDP_ROOM);
		ssize_t n = io_read(io, room, UDP_ROOM, deadline);
		if (n < 0)
			return (int)n;
		buf_grew(packet, (size_t)n);
		switch (wire_match(q, buf_str(packet), true)) {
		case WIRE_MATCH:
			return 0;
		case WIRE_SUSPECT:
			return -EBADMSG;
		case WIRE_FOREIGN:
			break;
		}
	}
	return -EBADMSG;
}

int
exchange_udp(const struct resolver *r, struct wire_question *q,
    struct buf *packet, int64_t deadline)
{
	struct io io;
	int e = open_socket(r, SOCK_DGRAM, &io);

	if (e != 0)
		return e;
	bind_random(io.fd, r->ip.family);
	q->id = (uint16_t)arc4random();
	wire_name_scramble(&q->name);
	e = wire_ask(q, packet);
	if (e == 0)
		e = connect_to(r, &io, deadline);
	if (e == 0)
		e = io_write_all(&io, packet->p, packet->len, deadline);
	if (e == 0)
		e = read_until_ours(&io, q, packet, deadline);
	io_done(&io);
	return e;
}

static int
read_exactly(struct io *io, char *bytes, size_t n, int64_t deadline)
{
	while (n > 0) {
		ssize_t got = io_read(io, bytes, n, deadline);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return -ECONNRESET;
		bytes += got;
		n -= (size_t)got;
	}
	return 0;
}

static int
write_framed(struct io *io, const struct wire_question *q, int64_t deadline)
{
	BUF_CLEANUP struct buf packet = {0};
	BUF_CLEANUP struct buf framed = {0};

	buf_init(&packet, WIRE_PACKET_MAX);
	buf_init(&framed, WIRE_PACKET_MAX + 2);
	int e = wire_ask(q, &packet);
	if (e != 0)
		return e;
	buf_add_char(&framed, (char)(packet.len >> 8));
	buf_add_char(&framed, (char)packet.len);
	buf_add_str(&framed, buf_str(&packet));
	return io_write_all(io, framed.p, framed.len, deadline);
}

static int
read_framed(struct io *io, struct buf *packet, int64_t deadline)
{
	unsigned char head[2];
	int e = read_exactly(io, (char *)head, sizeof(head), deadline);

	if (e != 0)
		return e;
	size_t n = (size_t)head[0] << 8 | head[1];
	buf_reset(packet);
	e = read_exactly(io, buf_room(packet, n), n, deadline);
	if (e == 0)
		buf_grew(packet, n);
	return e;
}

int
exchange_tcp(const struct resolver *r, struct wire_question *q,
    struct buf *packet, int64_t deadline)
{
	struct io io;
	int e = open_socket(r, SOCK_STREAM, &io);

	if (e != 0)
		return e;
	q->id = (uint16_t)arc4random();
	e = connect_to(r, &io, deadline);
	if (e == 0)
		e = write_framed(&io, q, deadline);
	if (e == 0)
		e = read_framed(&io, packet, deadline);
	if (e == 0 && wire_match(q, buf_str(packet), false) != WIRE_MATCH)
		e = -EBADMSG;
	io_done(&io);
	return e;
}
