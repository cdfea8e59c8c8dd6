/* SPDX-License-Identifier: ISC */
/*
 * data - RFC 5321 section 4.5.2 from blocks.  A line that lies whole in the
 * block is found by one memchr and copied by one memcpy; the states are for
 * the edges.
 */
#include "data.h"

#include <assert.h>
#include <string.h>

void
data_init(struct data *d)
{
	*d = (struct data){.state = DATA_LINE};
}

/* Copy `n` bytes of a line's text, one blank for a run of bare CRs. */
static size_t
copy_text(struct data *d, const char *p, size_t n, char *out)
{
	const char *cr = n > 0 ? memchr(p, '\r', n) : NULL;
	size_t at = 0;

	if (cr == NULL) {
		memcpy(out, p, n);
		return n;
	}
	d->bare_cr = true;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r')
			out[at++] = p[i];
		else if (i == 0 || p[i - 1] != '\r')
			out[at++] = ' ';
	}
	return at;
}

/*
 * Text from `p` up to the end of its line or of the block, in state
 * DATA_TEXT.  CRs in front of the LF belong to the line's end.  Returns the
 * bytes taken.
 */
static size_t
take_text(struct data *d, const char *p, size_t n, char *out, size_t *at)
{
	const char *lf = memchr(p, '\n', n);
	size_t end = lf != NULL ? (size_t)(lf - p) : n;
	size_t len = end;

	while (len > 0 && p[len - 1] == '\r')
		len--;
	if (end - len > 1)
		d->bare_cr = true;
	*at += copy_text(d, p, len, out + *at);
	if (lf == NULL) {
		d->state = end > len ? DATA_CR : DATA_TEXT;
		return n;
	}
	if (end == len)
		d->bare_lf = true;
	d->state = end > len ? DATA_LINE : DATA_TEXT;
	out[(*at)++] = '\n';
	return end + 1;
}

/* One byte at an edge, where `c` decides what the bytes before it were. */
static size_t
take_edge(struct data *d, char c, char *out, size_t *at)
{
	switch (d->state) {
	case DATA_LINE:
		d->state = c == '.' ? DATA_DOT : DATA_TEXT;
		return c == '.';
	case DATA_DOT:
		/* The dot was doubled, or stood alone before something: it
		 * goes, the rest of the line stays. */
		d->state = c == '\r' ? DATA_DOT_CR : DATA_TEXT;
		return c == '\r';
	case DATA_DOT_CR:
		d->state = c == '\n' ? DATA_ENDED : DATA_CR;
		return c == '\n';
	case DATA_CR:
		if (c == '\n') {
			out[(*at)++] = '\n';
			d->state = DATA_LINE;
			return 1;
		}
		d->bare_cr = true;
		if (c == '\r')
			return 1;
		out[(*at)++] = ' ';
		d->state = DATA_TEXT;
		return 0;
	case DATA_TEXT:
	case DATA_ENDED:
		break;
	}
	assert(!"an edge is none of these");
	return 0;
}

size_t
data_parse(struct data *d, struct str in, char *out, size_t *ret_out)
{
	size_t used = 0, at = 0;

	while (used < in.len && d->state != DATA_ENDED) {
		if (d->state == DATA_TEXT)
			used +=
			    take_text(d, in.p + used, in.len - used, out, &at);
		else
			used += take_edge(d, in.p[used], out, &at);
	}
	d->size += used;
	*ret_out = at;
	return used;
}
