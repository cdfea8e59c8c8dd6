/* SPDX-License-Identifier: ISC */
/* text - a message's text in a mailbox file, made a block at a time. */
#include "text.h"

#include "base/clock.h"
#include "base/file.h"
#include "mail/addr.h"
#include "mail/bounds.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define READ_BLOCK  (64 * 1024)
#define WRITE_BLOCK (256 * 1024)
#define DATE_LEN    24 /* "Tue Nov 14 22:13:20 2023" */

/* ---- writing ---- */

/* Gathers what is to be put. */
struct writer {
	text_put *put;
	void *arg;
	struct buf out;
	bool at_line; /* the next byte begins a line */
};

static int
flush(struct writer *w)
{
	int r = w->put(w->arg, buf_str(&w->out));

	buf_reset(&w->out);
	return r;
}

/* Lines as they are, but for those that begin with "From ". */
static int
put_lines(struct writer *w, struct str bytes)
{
	while (bytes.len > 0) {
		ptrdiff_t lf = str_find(bytes, '\n');
		size_t n = lf < 0 ? bytes.len : (size_t)lf + 1;

		if (w->at_line && str_has_prefix(bytes, STR("From ")))
			buf_add_char(&w->out, '>');
		buf_add_str(&w->out, str_sub(bytes, 0, n));
		w->at_line = lf >= 0;
		bytes = str_from(bytes, n);
	}
	return w->out.len < WRITE_BLOCK ? 0 : flush(w);
}

/* How much of the block can be judged: not the end of it when that may be
 * the beginning of "From ". */
static size_t
judge(const struct writer *w, struct str block)
{
	ptrdiff_t lf = str_find_last(block, '\n');
	struct str tail = str_from(block, (size_t)(lf + 1));

	if ((lf < 0 && !w->at_line) || tail.len >= 5 ||
	    !str_has_prefix(STR("From "), tail))
		return block.len;
	return block.len - tail.len;
}

static int
put_content(struct writer *w, const struct content *c)
{
	size_t size = content_size(c), at = 0;
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, READ_BLOCK);
	while (at < size) {
		char *room = buf_room(&b, READ_BLOCK);
		ssize_t n = content_read(c, at, room, READ_BLOCK);
		struct str block;
		int r;

		if (n < 0)
			return (int)n;
		block = str_n(room, (size_t)n);
		if (at + block.len < size)
			block.len = judge(w, block);
		r = put_lines(w, block);
		if (r != 0)
			return r;
		at += block.len;
	}
	return 0;
}

/* Of the "From " line, what stands before its date. */
static void
add_from(const struct job *job, struct buf *out)
{
	struct addr sender;

	buf_add_c(out, "From ");
	if (str_is_empty(job->d->sender))
		buf_add_c(out, "MAILER-DAEMON");
	else if (addr_parse(job->d->sender, &sender) < 0 ||
		 addr_format(sender, out) < 0)
		buf_add_str(out, job->d->sender);
	buf_add_char(out, ' ');
}

void
text_add_from_line(const struct job *job, struct buf *out)
{
	time_t now = (time_t)(clock_wall() / CLOCK_SEC);
	char date[DATE_LEN + 8];
	struct tm tm;

	add_from(job, out);
	localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_addf(out, "%s\n", date);
}

int
text_write(const struct job *job, text_put *put, void *arg)
{
	struct writer w = {.put = put, .arg = arg, .at_line = true};
	int r;

	buf_init(&w.out, WRITE_BLOCK + BOUND_HEADER + 3 * READ_BLOCK);
	text_add_from_line(job, &w.out);
	buf_add_str(&w.out, job->d->header);
	r = put_content(&w, job->content);
	if (r == 0 && !w.at_line)
		buf_add_char(&w.out, '\n');
	if (r == 0) {
		buf_add_char(&w.out, '\n');
		r = flush(&w);
	}
	buf_done(&w.out);
	return r;
}

/* ---- what is there ---- */

/* Holds a text against a file from `at` on. */
struct comparison {
	int fd;
	off_t at, size;
	size_t date; /* in the text, until its first bytes were compared */
	struct buf there;
};

enum {
	COMPARED_TO_END = 1 /* of the file, which ends within the text */
};

static int
compare(void *arg, struct str bytes)
{
	struct comparison *c = arg;
	size_t left = (size_t)(c->size - c->at);
	size_t n = bytes.len < left ? bytes.len : left;
	char *there;
	int r;

	buf_reset(&c->there);
	there = buf_room(&c->there, n + 1);
	r = fd_pread_all(c->fd, there, n, c->at);
	if (r < 0)
		return r;
	if (c->date > 0 && c->date < n)
		memcpy(there + c->date, bytes.p + c->date,
		    n - c->date < DATE_LEN ? n - c->date : DATE_LEN);
	c->date = 0;
	if (memcmp(there, bytes.p, n) != 0)
		return -EBADMSG;
	c->at += (off_t)n;
	return n < bytes.len ? COMPARED_TO_END : 0;
}

#define FROM STR("From ")

/*
 * Where the last "From " line of the file begins that follows an empty line,
 * no more than `most` bytes before its end; -1: nowhere, or it cannot be read.
 * No other line of a message begins like that.
 */
static off_t
find_last(int fd, off_t size, off_t most)
{
	off_t floor = size > most ? size - most : 0;
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, READ_BLOCK + 16);
	for (off_t end = size; end > floor;) {
		off_t from =
		    end - floor > READ_BLOCK ? end - READ_BLOCK : floor;
		off_t first = from < 2 ? 0 : from - 2;
		off_t last = size - end < 4 ? size : end + 4;
		size_t n = (size_t)(last - first);
		char *p;

		buf_reset(&b);
		p = buf_room(&b, n);
		if (fd_pread_all(fd, p, n, first) < 0)
			return -1;
		for (off_t at = end - 1; at >= from; at--) {
			size_t i = (size_t)(at - first);

			if (str_has_prefix(str_n(p + i, n - i), FROM) &&
			    (at == 0 || (i >= 2 && p[i - 1] == '\n' &&
					    p[i - 2] == '\n')))
				return at;
		}
		end = from;
	}
	return -1;
}

/* Or where it may, being torn off within that word. */
static off_t
find_torn_word(int fd, off_t size)
{
	char end[6] = {0};
	off_t n = size < 6 ? size : 6;

	if (fd_pread_all(fd, end, (size_t)n, size - n) < 0)
		return -1;
	for (off_t at = n - 1; at >= 0; at--)
		if (str_has_prefix(FROM, str_n(end + at, (size_t)(n - at))) &&
		    ((at == 0 && n == size) ||
			(at >= 2 && end[at - 1] == '\n' &&
			    end[at - 2] == '\n')))
			return size - n + at;
	return -1;
}

/* Is all that stands from there on the text's? */
static bool
is_text(const struct job *job, int fd, off_t at, off_t size, size_t date)
{
	struct comparison c = {.fd = fd, .at = at, .size = size, .date = date};
	int r;

	if (at < 0)
		return false;
	buf_init(&c.there, WRITE_BLOCK + BOUND_HEADER + 3 * READ_BLOCK + 1);
	r = text_write(job, compare, &c);
	buf_done(&c.there);
	return r == COMPARED_TO_END || (r == 0 && c.at == size);
}

/* No text of the job is longer: quoting adds a byte to six at most. */
static off_t
longest(const struct job *job, size_t from_line)
{
	size_t size = job_size(job);

	return (off_t)(from_line + DATE_LEN + size + size / 6 + 4);
}

off_t
text_has(const struct job *job, int fd, off_t size)
{
	BUF_CLEANUP struct buf from = {0};
	off_t at;

	buf_init(&from, ADDR_MAX * 2 + 64);
	add_from(job, &from);
	at = find_last(fd, size, longest(job, from.len));
	if (is_text(job, fd, at, size, from.len))
		return size - at;
	at = find_torn_word(fd, size);
	return at >= 0 ? size - at : 0;
}
