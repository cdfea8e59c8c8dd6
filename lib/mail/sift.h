/* SPDX-License-Identifier: ISC */
/*
 * sift - a message on its way in, held against the tables of
 * header_checks(5): the fields of its header (header_checks), those of the
 * messages in it (nested_header_checks), what MIME reads and the fields of
 * parts (mime_header_checks), and the lines of bodies (body_checks, each
 * part's first body_checks_size_limit bytes).
 *
 * A field is looked at whole, its folds as they are, by its first
 * DICT_SUBJECT_MAX bytes; a line of a body in pieces of line_length_limit
 * bytes.  What is dropped, replaced or put in front is done here; the rest
 * is told to the caller.
 *
 *	tables = sift_tables_open(conf, env, why);     once
 *	s = sift_new(tables, &events, arg);            each message
 *	r = sift_fields(s, text);                      the trace line
 *	r = sift_bytes(s, bytes); ...                  cut anywhere
 *	r = sift_end(s);
 *	sift_free(&s);
 *
 * Each gives 0; -EMSGSIZE, a field over header_size_limit; -EAGAIN, a table
 * could not be asked.  May wait.
 */
#ifndef MAIL_SIFT_H
#define MAIL_SIFT_H

#include "base/buf.h"
#include "dict/dict.h"
#include "mail/checks.h"
#include "mail/conf.h"

struct sift_tables;
/* NULL with `why`. */
struct sift_tables *sift_tables_open(
    const struct conf *c, const struct dict_env *env, struct buf *why);
void sift_tables_free(struct sift_tables **t);
bool sift_tables_are_empty(const struct sift_tables *t);

/* What goes on, in its order: fields of the message's own header, its end (is
 * it an empty line?), then all the rest. */
struct sift_events {
	void (*field)(void *arg, struct str field); /* no LF at its end */
	void (*end_header)(void *arg, bool is_line);
	void (*put)(void *arg, struct str bytes);
	/* What `found` (a field, or a line of a body) brought about, for the
	 * log, and to be done if it concerns the message. */
	void (*act)(void *arg, const struct checks_action *what, bool is_header,
	    struct str found);
	/* A table's answer that is not right, and why; or that there is none,
	 * for now. */
	void (*wrong)(
	    void *arg, const char *table, struct str answer, const char *why);
};

struct sift;
struct sift *sift_new(
    const struct sift_tables *t, const struct sift_events *events, void *arg);
void sift_free(struct sift **s);

/* Before the rest: one field or several, whole, that are put on top. */
int sift_fields(struct sift *s, struct str text);
/* What begins with the message's first field. */
int sift_bytes(struct sift *s, struct str bytes);
int sift_end(struct sift *s); /* the last line may have no LF */

#endif
