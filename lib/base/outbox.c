/* SPDX-License-Identifier: ISC */
/* outbox - packets wait here, and leave in batches. */
#include "base/outbox.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_ROOM CMSG_SPACE(CHAN_FDS * sizeof(int))

struct out {
	STAILQ_ENTRY(out) next;
	size_t len;
	size_t nfds;
	bool owns_fds; /* duplicates of the caller's */
	int fds[CHAN_FDS];
	unsigned char bytes[];
};

/* One batch serves the whole process: nothing waits while it is in use. */
static struct {
	struct mmsghdr messages[OUTBOX_BATCH];
	struct iovec iov[OUTBOX_BATCH];
	alignas(
	    struct cmsghdr) unsigned char control[OUTBOX_BATCH][CONTROL_ROOM];
} batch;

void
outbox_init(struct outbox *o)
{
	STAILQ_INIT(&o->queue);
	o->packets = o->bytes = 0;
}

static void
drop_first(struct outbox *o)
{
	struct out *p = STAILQ_FIRST(&o->queue);

	STAILQ_REMOVE_HEAD(&o->queue, next);
	o->packets--;
	o->bytes -= p->len;
	for (size_t i = 0; p->owns_fds && i < p->nfds; i++)
		close(p->fds[i]);
	free(p);
}

void
outbox_drop(struct outbox *o)
{
	while (!STAILQ_EMPTY(&o->queue))
		drop_first(o);
}

static void
add_packet(struct outbox *o, const struct packet_header *h, struct str part,
    const int *fds)
{
	struct out *p = malloc(sizeof(*p) + PACKET_HEADER + part.len);

	if (p == NULL)
		log_fatal("out of memory for a packet of %zu bytes", part.len);
	p->len = PACKET_HEADER + part.len;
	p->nfds = h->nfds;
	p->owns_fds = false;
	packet_put_header(h, p->bytes);
	memcpy(p->bytes + PACKET_HEADER, part.p, part.len);
	if (p->nfds > 0)
		memcpy(p->fds, fds, p->nfds * sizeof(*fds));
	STAILQ_INSERT_TAIL(&o->queue, p, next);
	o->packets++;
	o->bytes += p->len;
}

void
outbox_add(struct outbox *o, const struct packet_header *parcel,
    struct str bytes, const int *fds, size_t nfds)
{
	size_t count = packet_count(bytes.len, nfds);

	for (size_t i = 0; i < count; i++) {
		size_t left = nfds > i * CHAN_FDS ? nfds - i * CHAN_FDS : 0;
		struct packet_header h = *parcel;

		h.nfds = (uint8_t)(left > CHAN_FDS ? CHAN_FDS : left);
		if (i + 1 < count)
			h.flags |= PACKET_MORE;
		add_packet(o, &h, str_sub(bytes, i * PACKET_DATA, PACKET_DATA),
		    h.nfds > 0 ? fds + i * CHAN_FDS : NULL);
	}
}

static void
put_message(size_t i, struct out *p)
{
	struct msghdr *m = &batch.messages[i].msg_hdr;
	struct cmsghdr *cm;

	batch.iov[i] = (struct iovec){p->bytes, p->len};
	*m = (struct msghdr){.msg_iov = &batch.iov[i], .msg_iovlen = 1};
	if (p->nfds == 0)
		return;
	m->msg_control = batch.control[i];
	m->msg_controllen = CMSG_SPACE(p->nfds * sizeof(int));
	memset(m->msg_control, 0, m->msg_controllen);
	cm = CMSG_FIRSTHDR(m);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(p->nfds * sizeof(int));
	memcpy(CMSG_DATA(cm), p->fds, p->nfds * sizeof(int));
}

static unsigned
put_messages(const struct outbox *o)
{
	unsigned n = 0;
	struct out *p;

	STAILQ_FOREACH (p, &o->queue, next) {
		if (n == OUTBOX_BATCH)
			break;
		put_message(n++, p);
	}
	return n;
}

int
outbox_send(struct outbox *o, int socket)
{
	while (!STAILQ_EMPTY(&o->queue)) {
		unsigned n = put_messages(o);
		int sent = sendmmsg(
		    socket, batch.messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		for (int i = 0; i < sent; i++)
			drop_first(o);
		/* What stopped the kernel short is most likely a full socket;
		 * whatever it was, the next try meets it again. */
		if ((unsigned)sent < n)
			return -EAGAIN;
	}
	return 0;
}

static int
own_fds(struct out *p)
{
	for (size_t i = 0; i < p->nfds; i++) {
		int fd = fcntl(p->fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0) {
			p->nfds = i;
			p->owns_fds = true;
			return -errno;
		}
		p->fds[i] = fd;
	}
	p->owns_fds = true;
	return 0;
}

int
outbox_own(struct outbox *o)
{
	struct out *p;
	int r = 0;

	STAILQ_FOREACH (p, &o->queue, next)
		if (r == 0 && !p->owns_fds)
			r = own_fds(p);
	return r;
}
