/* SPDX-License-Identifier: ISC */
/* inbox - receiving packets with their descriptors. */
#include "base/inbox.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#define CONTROL_ROOM CMSG_SPACE(CHAN_FDS * sizeof(int))

static struct {
	struct mmsghdr messages[INBOX_BATCH];
	struct iovec iov[INBOX_BATCH];
	alignas(
	    struct cmsghdr) unsigned char control[INBOX_BATCH][CONTROL_ROOM];
	char bytes[INBOX_BATCH][CHAN_PACKET];
} batch;

int
inbox_receive(int socket)
{
	int n;

	for (size_t i = 0; i < INBOX_BATCH; i++) {
		batch.iov[i] = (struct iovec){batch.bytes[i], CHAN_PACKET};
		batch.messages[i].msg_hdr = (struct msghdr){
		    .msg_iov = &batch.iov[i],
		    .msg_iovlen = 1,
		    .msg_control = batch.control[i],
		    .msg_controllen = CONTROL_ROOM,
		};
	}
	do {
		n = recvmmsg(socket, batch.messages, INBOX_BATCH,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static size_t
take_fds(struct msghdr *m, int fds[CHAN_FDS])
{
	struct cmsghdr *cm;
	size_t n = 0;

	for (cm = CMSG_FIRSTHDR(m); cm != NULL; cm = CMSG_NXTHDR(m, cm)) {
		size_t len = cm->cmsg_len - CMSG_LEN(0);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		assert(len <= (CHAN_FDS - n) * sizeof(int));
		memcpy(fds + n, CMSG_DATA(cm), len);
		n += len / sizeof(int);
	}
	return n;
}

void
inbox_take(size_t i, struct inbox_packet *ret)
{
	struct msghdr *m = &batch.messages[i].msg_hdr;

	ret->bytes = str_n(batch.bytes[i], batch.messages[i].msg_len);
	ret->nfds = take_fds(m, ret->fds);
	ret->fault = NULL;
	/* SECURITY: a parcel whose descriptors did not all fit our table, or
	 * that is longer than it may be, is not looked at. */
	if ((m->msg_flags & MSG_CTRUNC) != 0)
		ret->fault = "a descriptor was lost on the way";
	if ((m->msg_flags & MSG_TRUNC) != 0)
		ret->fault = "a packet is too long";
	/* A peer that left reads as a packet of nothing. */
	if (ret->bytes.len == 0)
		ret->fault = "";
}
