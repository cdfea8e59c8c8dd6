/* SPDX-License-Identifier: ISC */
/* top_view - lines of text, made in a buffer and cut to the screen. */
#include "top_view.h"

#include "plain.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096
#define NAME_WIDTH     30
#define STATE_WIDTH    10

/* ---- rows ---- */

static uint64_t
work_of(const struct top_row *r)
{
	return r->waiting + r->busy;
}

static int
compare_rows(const void *pa, const void *pb)
{
	const struct top_row *a = pa, *b = pb;
	uint64_t x = work_of(a), y = work_of(b);

	if (x != y)
		return x > y ? -1 : 1;
	x = a->deferred + a->held;
	y = b->deferred + b->held;
	if (x != y)
		return x > y ? -1 : 1;
	return str_cmp(a->name, b->name);
}

static struct top_row
row_of(const struct admin_destination *d)
{
	return (struct top_row){
	    .transport = d->transport,
	    .name = d->nexthop,
	    .waiting = d->waiting,
	    .busy = d->busy,
	    .window = d->window,
	    .is_dead = d->is_dead != 0,
	    .next = d->next,
	    .why = d->why,
	};
}

/* A domain's counts stand beside one destination only. */
static void
join(struct top_row *r, const struct site *site)
{
	r->deferred = site->deferred;
	r->held = site->held;
	if (r->why.len == 0)
		r->why = str_c(site->reason);
}

struct top_rows
top_view_join(
    const struct admin_state *s, const struct sites *sites, struct arena *a)
{
	const struct admin_destination *d = s->shown.p;
	struct top_rows rows = {
	    .p = arena_array(
		a, s->shown.n + sites->all.count + 1, sizeof(*rows.p)),
	};
	struct map joined;

	map_init(&joined);
	for (size_t i = 0; i < s->shown.n; i++) {
		struct top_row *r = &rows.p[rows.n++];
		const struct site *site = sites_get(sites, d[i].nexthop);

		*r = row_of(&d[i]);
		if (site == NULL || map_get(&joined, str_c(site->name)) != NULL)
			continue;
		map_put(&joined, str_c(site->name), r);
		join(r, site);
	}
	MAP_FOREACH (slot, &sites->all) {
		const struct site *site = slot->value;

		if (map_get(&joined, slot->key) != NULL)
			continue;
		rows.p[rows.n] = (struct top_row){.name = str_c(site->name)};
		join(&rows.p[rows.n++], site);
	}
	map_done(&joined);
	qsort(rows.p, rows.n, sizeof(*rows.p), compare_rows);
	return rows;
}

/* ---- text ---- */

static void
print_line(FILE *out, const struct buf *line, unsigned width)
{
	plain_print(out, plain_cut(buf_str(line), width));
	fputc('\n', out);
}

/* "3 d 04:05", "4:05:06", "34 s". */
static void
add_time(struct buf *out, int64_t ns)
{
	int64_t s = ns <= 0 ? 0 : (ns + CLOCK_SEC - 1) / CLOCK_SEC;

	if (s < 100)
		buf_addf(out, "%" PRId64 " s", s);
	else if (s < 86400)
		buf_addf(out, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600,
		    s / 60 % 60, s % 60);
	else
		buf_addf(out, "%" PRId64 " d %02" PRId64 ":%02" PRId64,
		    s / 86400, s / 3600 % 24, s / 60 % 60);
}

static void
add_rate(struct buf *out, const char *name, uint64_t count, double seconds)
{
	double rate = (double)count / seconds;

	buf_addf(out, rate < 100 ? "%s %.1f" : "%s %.0f", name, rate);
}

static void
print_rates(FILE *out, const struct admin_state *s, unsigned width)
{
	BUF_CLEANUP struct buf line = {0};
	const struct admin_counts *c = &s->recent;
	double seconds = s->span < CLOCK_SEC ? 1 : (double)s->span / CLOCK_SEC;

	buf_init(&line, LINE_MAX_BYTES);
	add_rate(&line, "a second: in", c->taken, seconds);
	buf_addf(&line, " (%.1f KiB)", (double)c->bytes / 1024 / seconds);
	add_rate(&line, ", sent", c->sent, seconds);
	add_rate(&line, ", deferred", c->deferred, seconds);
	add_rate(&line, ", bounced", c->bounced, seconds);
	add_rate(&line, ", removed", c->removed, seconds);
	buf_addf(&line, "; over %.0f s", seconds);
	print_line(out, &line, width);
}

static void
print_totals(FILE *out, const struct admin_state *s, unsigned width)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_addf(&line,
	    "in all: in %" PRIu64 ", sent %" PRIu64 ", deferred %" PRIu64
	    ", bounced %" PRIu64 ", removed %" PRIu64 "; up ",
	    s->all.taken, s->all.sent, s->all.deferred, s->all.bounced,
	    s->all.removed);
	add_time(&line, s->now - s->started);
	print_line(out, &line, width);
}

void
top_view_head(FILE *out, const struct admin_state *s, unsigned width)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_addf(&line,
	    "queue: active %" PRIu64 ", deferred %" PRIu64 ", hold %" PRIu64
	    "; journal %" PRIu64 "%%; ",
	    s->active, s->deferred, s->held, s->journal);
	if (s->is_open)
		buf_add_c(&line, "taking mail");
	else
		buf_addf(&line, "NOT taking mail: %.*s", STR_ARG(s->why));
	print_line(out, &line, width);
	buf_reset(&line);
	buf_addf(&line,
	    "recipients: waiting %" PRIu64 "; jobs: %" PRIu64
	    "; destinations: %" PRIu64,
	    s->waiting, s->busy, s->destinations);
	print_line(out, &line, width);
	print_rates(out, s, width);
	print_totals(out, s, width);
}

void
top_view_titles(FILE *out, unsigned width)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_addf(&line, "%-*s %7s %5s %5s %8s %5s %-*s %s", NAME_WIDTH,
	    "DESTINATION", "WAITING", "BUSY", "LIMIT", "DEFERRED", "HOLD",
	    STATE_WIDTH, "STATE", "REASON");
	print_line(out, &line, width);
}

static void
add_state(struct buf *out, const struct top_row *r)
{
	if (r->is_dead) {
		buf_add_c(out, r->busy > 0 ? "probed" : "dead");
		if (r->busy == 0 && r->next > 0) {
			buf_add_char(out, ' ');
			add_time(out, r->next);
		}
	} else if (r->waiting > 0 && r->next > 0) {
		buf_add_c(out, "paced ");
		add_time(out, r->next);
	} else if (r->busy > 0) {
		buf_add_c(out, "busy");
	} else if (r->waiting > 0) {
		buf_add_c(out, "ready");
	} else if (r->deferred > 0) {
		buf_add_c(out, "deferred");
	} else {
		buf_add_c(out, r->held > 0 ? "held" : "idle");
	}
}

/* Padded to `width` columns; a longer one is followed by what comes next. */
static void
add_padded(struct buf *line, struct str s, size_t width)
{
	size_t columns = 0;

	for (size_t i = 0; i < s.len; i++)
		columns += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	buf_add_str(line, s);
	for (; columns < width; columns++)
		buf_add_char(line, ' ');
}

void
top_view_row(FILE *out, const struct top_row *r, unsigned width)
{
	BUF_CLEANUP struct buf line = {0}, part = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_init(&part, LINE_MAX_BYTES);
	if (r->transport.len > 0)
		buf_addf(&part, "%.*s:", STR_ARG(r->transport));
	buf_add_str(&part, r->name);
	add_padded(&line,
	    plain_cut(buf_str(&part), width == 0 ? 0 : NAME_WIDTH), NAME_WIDTH);
	buf_addf(&line,
	    " %7" PRIu64 " %5" PRIu64 " %5" PRIu64 " %8" PRIu64 " %5" PRIu64
	    " ",
	    r->waiting, r->busy, r->window, r->deferred, r->held);
	buf_reset(&part);
	add_state(&part, r);
	add_padded(&line, buf_str(&part), STATE_WIDTH);
	buf_add_char(&line, ' ');
	buf_add_str(&line, r->why.len > 0 ? r->why : STR("-"));
	print_line(out, &line, width);
}

void
top_view_message_titles(FILE *out, unsigned width)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_addf(&line, "%-17s %-8s %10s %9s %-24s %s", "QUEUE ID", "QUEUE",
	    "AGE", "SIZE", "SENDER", "RECIPIENT (REASON)");
	print_line(out, &line, width);
}

void
top_view_message(
    FILE *out, const struct top_message *m, int64_t now, unsigned width)
{
	BUF_CLEANUP struct buf line = {0}, age = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_init(&age, 64);
	add_time(&age, now - m->arrival);
	buf_addf(&line, "%-17.*s %-8.*s %10s %9" PRIu64 " ", STR_ARG(m->id),
	    STR_ARG(m->queue), age.p, m->size);
	add_padded(
	    &line, m->sender.len > 0 ? m->sender : STR("MAILER-DAEMON"), 24);
	buf_addf(&line, " %.*s", STR_ARG(m->recipient));
	if (m->recipients > 1)
		buf_addf(&line, " and %" PRIu64 " more", m->recipients - 1);
	if (m->reason.len > 0)
		buf_addf(&line, " (%.*s)", STR_ARG(m->reason));
	print_line(out, &line, width);
}
