/* SPDX-License-Identifier: ISC */
/*
 * mbox - messages at the end of mailbox files: "From " line, ">From "
 * quoting, an empty line after.  The file is locked against others as the
 * settings say, is flushed before anything is told, and is cut back to what
 * it was when a message cannot be written whole.  A message that an
 * interrupted attempt (is_again) left at the end of the file, whole or torn,
 * is completed and not written a second time.
 *
 * A mailbox that is there must be a regular file of the user with one link
 * (SECURITY: else whoever may create files in the spool could have the mail
 * written somewhere else, or read by himself: CVE-2008-2936, 2008-2937).
 */
#ifndef MDA_MBOX_H
#define MDA_MBOX_H

#include "job.h"
#include "settings.h"

struct mbox {
	int root_fd; /* of what all paths lie in */
	struct str root;
	const struct settings *settings;
};

/*
 * In a task: deliver the first of the list, and with it all others that are
 * for the same file, and tell each; they leave the list.  May wait for locks.
 */
void mbox_deliver(const struct mbox *m, struct delivery_list *list);

#endif
