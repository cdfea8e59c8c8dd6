/* SPDX-License-Identifier: ISC */
/*
 * barrier - many files made durable by one call (syncfs(2)), where that is
 * sound and pays: on 64 files of 1 KiB it costs a quarter of the time and half
 * of the CPU of fsync(2) on each.
 *
 * It waits for whatever anybody else wrote there, and reports his errors too.
 * So it is for file systems that are known to report errors by it; after one
 * that took long, or failed, each file is made durable by itself for a while;
 * and what an error was about is for the caller to find out, by writing anew.
 */
#ifndef MDA_BARRIER_H
#define MDA_BARRIER_H

#include <stdint.h>

#define BARRIER_MANY 4 /* files from which on it pays */

struct barrier {
	int64_t alone_until; /* clock_exact() */
};

enum barrier_result {
	BARRIER_HOLDS,
	BARRIER_IS_NONE, /* not tried: each file by itself */
	BARRIER_BROKE,   /* nothing is known of what was written: an fsync of
	                    it may say that all is well; write it anew */
};

/* All on the file system of `fd`, a directory on a known one (fd_has_syncfs())
 * that was open before anything of it was written: contents and names. */
enum barrier_result barrier_all(struct barrier *b, int fd);

/* From now on none, for a while. */
void barrier_shun(struct barrier *b);

#endif
