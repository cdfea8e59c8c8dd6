/* SPDX-License-Identifier: ISC */
/*
 * dirs - the directories of the queue and the names in them.
 *
 * deferred/ has DIRS_HASH directories named by two hexadecimal digits, found
 * from the id alone (CRC-32), so that none holds more than a few thousand.
 */
#ifndef MAIL_QUEUE_DIRS_H
#define MAIL_QUEUE_DIRS_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/queue/disk.h"
#include "mail/queue/entry.h"

#include <stdbool.h>

#define DIRS_HASH     256
#define DIRS_PATH_MAX (ENVELOPE_QID_MAX + 32)

/* Make what is missing, durably.  0, or -errno with `why`. */
int dirs_make(const struct disk *disk, int dirfd, struct buf *why);

unsigned dirs_hash(struct str id);
/* "deferred/3f". */
void dirs_of_hash(unsigned hash, char ret[DIRS_PATH_MAX]);
/* "deferred/3f/ID", "hold/ID"; "tmp/ID-NONCE". */
void dirs_path(enum entry_queue queue, struct str id, char ret[DIRS_PATH_MAX]);
void dirs_tmp_path(struct str id, uint32_t nonce, char ret[DIRS_PATH_MAX]);
void dirs_corrupt_path(struct str name, char ret[DIRS_PATH_MAX]);

/* SECURITY: an id that goes into a path: letters and digits, not too long. */
bool dirs_is_id(struct str id);

#endif
