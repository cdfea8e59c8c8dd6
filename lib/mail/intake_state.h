/* SPDX-License-Identifier: ISC */
/*
 * intake_state - what an intake holds, for intake.c, which gathers it, and
 * intake_checks.c, which lets tables look at it, and intake_commit.c, which
 * hands it over.  Owns an arena with the envelope, the rows of recipients, the
 * builder of the content, and the header's repair.
 */
#ifndef MAIL_INTAKE_STATE_H
#define MAIL_INTAKE_STATE_H

#include "mail/intake.h"
#include "mail/repair.h"
#include "mail/rewrite.h"
#include "mail/sift.h"

struct intake_row {
	struct recipient *p;
	size_t n, cap;
};

struct intake {
	struct taker *taker;
	const struct conf *conf;
	struct arena arena;
	struct intake_origin origin;
	char id[QID_LEN + 1];
	uint64_t generation; /* of the conversation that the id is good for */
	bool has_id;
	int64_t arrival;
	struct addr sender;
	struct rewrite rewrite;
	struct intake_row given; /* as the client gave them, and by -t */
	struct intake_row extracted, extracted_resent;
	struct intake_row final; /* what they become */
	struct content_builder *builder;
	struct repair repair;
	struct sift *sift; /* NULL: no table looks at it */
	bool is_trace;     /* what it has at hand */
	struct buf part;   /* a header line whose LF has not come */
	bool has_begun, has_sifted, in_body, ends_in_lf, has_8bit;
	uint64_t bytes, bytes_max; /* as they were given */
	int error;                 /* the first one, -errno */
	bool is_held, is_expanded;
	bool is_over, is_discarded, is_rejected; /* by header_checks */
	struct str filter;
	struct str redirect;      /* to there alone; or empty */
	struct intake_row copies; /* beside all others */
	struct str parent;
	struct str dsn, text; /* why it was not queued */
};

/* A row's next recipient, to be filled in. */
struct recipient *intake_row_add(struct intake_row *row);

/* intake_checks.c: what header_checks(5) and the like have done with it. */
extern const struct sift_events intake_checks; /* of a struct intake */
/* The message's trace line, which these see too. */
void intake_put_trace(struct intake *t, struct str text);

/* A whole line of the header, or the body's bytes, behind the checks. */
void intake_take_line(struct intake *t, struct str line);
void intake_append(struct intake *t, struct str bytes);
void intake_fail(struct intake *t, int error); /* the first one counts */

/* No more content: the header and the last line are completed. */
void intake_finish(struct intake *t);

#endif
