/* SPDX-License-Identifier: ISC */
/*
 * addr_reader - the one reader of "[route] local [@domain]", for addr_path.c
 * and addr_list.c alone.  It gathers the internal form in a fixed room, and
 * makes a struct addr only of what passed every check.
 */
#ifndef MAIL_ADDR_READER_H
#define MAIL_ADDR_READER_H

#include "mail/addr.h"

/* A reader over `in`, and the internal form as far as it came. */
struct addr_reader {
	struct str in;
	size_t at;
	bool comments; /* blanks and comments may stand between words */
	char text[ADDR_MAX + 1];
	size_t len;
	size_t local_len;
	size_t begin;      /* in `in`: of the address, its route included */
	size_t local_end;  /* behind the last word of each ... */
	size_t domain_end; /* ... for whoever completes the address */
	const char *why;
};

int addr_reader_peek(const struct addr_reader *r); /* -1 at the end */
int addr_reader_refuse(struct addr_reader *r, const char *why); /* -EINVAL */

/* Behind a comment that begins at r->at, and behind all blanks and comments:
 * 0 or -EINVAL with r->why. */
int addr_reader_skip_comment(struct addr_reader *r);
int addr_reader_skip_blanks(struct addr_reader *r);

/* Read the address at r->at up to what cannot belong to it. */
int addr_reader_spec(struct addr_reader *r);

/* The struct addr of what was read. */
int addr_reader_finish(
    struct addr_reader *r, struct arena *a, struct addr *ret);

bool addr_is_atext(char c);

#endif
