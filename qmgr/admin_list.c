/* SPDX-License-Identifier: ISC */
/* admin_list - the queue for a tool: it reads, from a pipe, what a copy says.
 */
#include "admin.h"

#include "listing.h"
#include "qmgr.h"

#include <errno.h>
#include <unistd.h>

void
admin_list(struct admin_request *r)
{
	const struct admin_list *list = r->parcel.value;
	struct admin_listing listing;
	int fd, error;

	error = listing_start(r->qmgr, r->uid, list->only_names != 0, &fd);
	if (error < 0) {
		admin_end(r, 0, -error,
		    error == -EBUSY
			? "the queue is being listed for others already"
			: "the queue cannot be listed now");
		return;
	}
	listing.total = r->qmgr->messages.count;
	admin_send(r, ADMIN_LISTING, &listing, &fd, 1);
	close(fd);
}
