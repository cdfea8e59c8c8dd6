/* SPDX-License-Identifier: ISC */
/* ages - rows of counters by domain; how they are printed. */
#include "ages.h"

#include "plain.h"

#include "base/log.h"
#include "mail/addr.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS    10
#define TICK       5
#define SUBDOMAINS 5
#define WIDTH      80
#define NAME_WIDTH 18 /* of the domain, however wide the rest is */
#define COLUMN_MIN 3
#define HEAD_MAX   24
#define NULL_NAME  "MAILER-DAEMON"

struct ages_row {
	char *name;
	uint64_t below; /* domains right below it that were seen */
	uint64_t *n;    /* 0: all; 1 ...: of a bucket */
};

static struct ages_row *
get_row(struct ages *a, struct str name)
{
	struct ages_row *row = map_get(&a->all, name);

	if (row != NULL)
		return row;
	row = calloc(1, sizeof(*row));
	if (row != NULL) {
		row->name = strndup(name.p, name.len);
		row->n = calloc(a->buckets + 1, sizeof(*row->n));
	}
	if (row == NULL || row->name == NULL || row->n == NULL)
		log_fatal("out of memory");
	map_put(&a->all, str_n(row->name, name.len), row);
	return row;
}

void
ages_init(struct ages *a)
{
	if (a->buckets == 0)
		a->buckets = BUCKETS;
	if (a->tick == 0)
		a->tick = TICK;
	if (a->subdomains == 0)
		a->subdomains = SUBDOMAINS;
	if (a->width < WIDTH)
		a->width = WIDTH;
	map_init(&a->all);
	a->total = get_row(a, STR("TOTAL")); /* no domain has capitals */
}

void
ages_done(struct ages *a)
{
	MAP_FOREACH (slot, &a->all) {
		struct ages_row *row = slot->value;

		free(row->name);
		free(row->n);
		free(row);
	}
	map_done(&a->all);
}

static unsigned
bucket_of(const struct ages *a, int64_t age)
{
	int64_t ticks = age / (60 * (int64_t)a->tick);
	unsigned bucket = 1;

	if (a->is_linear)
		return ticks + 1 < a->buckets ? (unsigned)ticks + 1
		                              : a->buckets;
	for (; ticks > 0 && bucket < a->buckets; ticks >>= 1)
		bucket++;
	return bucket;
}

/* In lower case, without "..", and without dots around it.  `room` has
 * ADDR_MAX + 1 bytes. */
static struct str
domain_of(struct str address, char *room)
{
	ptrdiff_t at = str_find_last(address, '@');
	struct str s = str_from(address, (size_t)(at + 1));
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < ADDR_MAX; i++)
		if (s.p[i] != '.' || (n > 0 && room[n - 1] != '.'))
			room[n++] = str_lower_char(s.p[i]);
	if (n > 1 && room[n - 1] == '.')
		n--;
	return str_n(room, n);
}

static void
count(struct ages_row *row, unsigned bucket)
{
	row->n[0]++;
	row->n[bucket]++;
}

/* ".b.c" of "a.b.c" or ".a.b.c"; false: what would be left is a top level. */
static bool
parent_of(struct str domain, struct str *ret)
{
	struct str rest =
	    str_from(domain, domain.len > 0 && domain.p[0] == '.' ? 1 : 0);
	ptrdiff_t dot = str_find(rest, '.');

	if (dot <= 0 || !str_has_char(str_from(rest, (size_t)dot + 1), '.'))
		return false;
	*ret = str_from(rest, (size_t)dot);
	return true;
}

void
ages_add(struct ages *a, struct str address, int64_t age)
{
	unsigned bucket = bucket_of(a, age < 0 ? 0 : age);
	char room[ADDR_MAX + 1];
	struct str name =
	    address.len == 0 ? STR(NULL_NAME) : domain_of(address, room);
	struct ages_row *row = get_row(a, name);
	bool is_new;

	count(a->total, bucket);
	count(row, bucket);
	while (a->has_parents && parent_of(name, &name)) {
		is_new = row->n[0] == 1;
		row = get_row(a, name);
		row->below += is_new;
		count(row, bucket);
	}
}

/* ---- the table ---- */

struct columns {
	unsigned *width; /* of each, blanks in front included */
	unsigned name;
};

/* What stands above bucket `i`: "T", "5", "10" ... "1280", "1280+". */
static void
head_of(const struct ages *a, unsigned i, char ret[HEAD_MAX])
{
	bool is_last = i == a->buckets;
	unsigned steps = is_last ? i - 1 : i;
	uint64_t minutes = steps == 0 ? 0 : a->tick;

	if (i == 0) {
		strlcpy(ret, "T", HEAD_MAX);
		return;
	}
	for (unsigned k = 1; k < steps && minutes < UINT64_MAX / 4; k++)
		minutes = a->is_linear ? minutes + a->tick : 2 * minutes;
	snprintf(ret, HEAD_MAX, "%llu%s", (unsigned long long)minutes,
	    is_last ? "+" : "");
}

static void
measure(const struct ages *a, struct columns *c)
{
	unsigned used = 0;

	c->width = calloc(a->buckets + 1, sizeof(*c->width));
	if (c->width == NULL)
		log_fatal("out of memory");
	for (unsigned i = 0; i <= a->buckets; i++) {
		char head[HEAD_MAX], number[HEAD_MAX];
		size_t n, h;

		head_of(a, i, head);
		snprintf(number, sizeof(number), "%llu",
		    (unsigned long long)a->total->n[i]);
		n = strlen(number);
		h = strlen(head);
		n = (n > h ? n : h) + 1;
		c->width[i] = n < COLUMN_MIN ? COLUMN_MIN : (unsigned)n;
		used += c->width[i];
	}
	c->name = a->width < used + NAME_WIDTH ? NAME_WIDTH : a->width - used;
}

/* One that is too long is cut at its front. */
static void
print_name(FILE *out, struct str name, unsigned width)
{
	if (name.len <= width) {
		fprintf(out, "%*s", (int)(width - name.len), "");
		plain_print(out, name);
		return;
	}
	if (name.p[0] == '.') {
		fputc('.', out);
		width--;
	}
	fputc('+', out);
	plain_print(out, str_from(name, name.len - (width - 1)));
}

static void
print_row(const struct ages *a, FILE *out, const struct columns *c,
    const struct ages_row *row)
{
	print_name(out, str_c(row->name), c->name);
	for (unsigned i = 0; i <= a->buckets; i++)
		fprintf(out, "%*llu", (int)c->width[i],
		    (unsigned long long)row->n[i]);
	fputc('\n', out);
}

static void
print_head(const struct ages *a, FILE *out, const struct columns *c)
{
	char head[HEAD_MAX];

	print_name(out, STR_NONE, c->name);
	for (unsigned i = 0; i <= a->buckets; i++) {
		head_of(a, i, head);
		fprintf(out, "%*s", (int)c->width[i], head);
	}
	fputc('\n', out);
}

/* Most first; the shorter name; by name. */
static int
compare_rows(const void *pa, const void *pb)
{
	const struct ages_row *const *a = pa, *const *b = pb;
	size_t la = strlen((*a)->name), lb = strlen((*b)->name);

	if ((*a)->n[0] != (*b)->n[0])
		return (*a)->n[0] > (*b)->n[0] ? -1 : 1;
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp((*a)->name, (*b)->name);
}

static size_t
choose_rows(const struct ages *a, struct ages_row **rows)
{
	size_t n = 0;

	MAP_FOREACH (slot, &a->all) {
		struct ages_row *row = slot->value;

		if (row != a->total &&
		    (row->name[0] != '.' || row->below >= a->subdomains))
			rows[n++] = row;
	}
	if (n > 0)
		qsort(rows, n, sizeof(*rows), compare_rows);
	return n;
}

void
ages_print(const struct ages *a, FILE *out, size_t top)
{
	struct ages_row **rows = calloc(a->all.count, sizeof(*rows));
	struct columns c;
	size_t n;

	if (rows == NULL)
		log_fatal("out of memory");
	measure(a, &c);
	n = choose_rows(a, rows);
	if (top > 0 && n > top - 1) /* the total is one of them */
		n = top - 1;
	print_head(a, out, &c);
	print_row(a, out, &c, a->total);
	for (size_t i = 0; i < n; i++)
		print_row(a, out, &c, rows[i]);
	free(c.width);
	free(rows);
}
