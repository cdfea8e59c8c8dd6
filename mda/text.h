/* SPDX-License-Identifier: ISC */
/*
 * text - a message as it stands in a mailbox file: "From " line, header,
 * content with ">From " quoting, an empty line.
 */
#ifndef MDA_TEXT_H
#define MDA_TEXT_H

#include "job.h"

/* "From sender date\n", the date of now. */
void text_add_from_line(const struct job *job, struct buf *out);

/* Takes the next bytes; what it returns other than 0 ends the text. */
typedef int text_put(void *arg, struct str bytes);

/* 0, -errno, or what `put` returned. */
int text_write(const struct job *job, text_put *put, void *arg);

/* How many bytes of this text a file of `size` bytes ends with: all of them, or
 * as many as were written when somebody was interrupted.  The date may be
 * another. */
off_t text_has(const struct job *job, int fd, off_t size);

#endif
