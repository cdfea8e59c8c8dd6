/* SPDX-License-Identifier: ISC */
/* bar - one line that is drawn over and over. */
#include "bar.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define STEPS 40
#define WAIT  (500 * CLOCK_MS) /* short work needs no bar */
#define EVERY (100 * CLOCK_MS)
#define CLEAR "\r\033[K"

void
bar_start(struct bar *b, const char *what, uint64_t total)
{
	clock_update();
	*b = (struct bar){
	    .what = what,
	    .total = total,
	    .started = clock_mono(),
	    .is_terminal = isatty(STDERR_FILENO),
	};
}

/* "3:05", or nothing while it cannot be told. */
static void
print_left(const struct bar *b, uint64_t rate)
{
	uint64_t seconds;

	if (rate == 0 || b->total <= b->done)
		return;
	seconds = (b->total - b->done) / rate;
	fprintf(stderr, ", %llu:%02llu left",
	    (unsigned long long)(seconds / 60),
	    (unsigned long long)(seconds % 60));
}

static void
draw(struct bar *b, int64_t now)
{
	static const char marks[STEPS + 1] =
	    "########################################";
	int64_t ms = (now - b->started) / CLOCK_MS;
	uint64_t rate = b->done * 1000 / (uint64_t)(ms > 0 ? ms : 1);
	uint64_t steps = b->total == 0 ? 0 : b->done * STEPS / b->total;

	if (steps > STEPS)
		steps = STEPS;
	fputs(CLEAR, stderr);
	if (b->total > 0)
		fprintf(stderr, "[%-*.*s] ", STEPS, (int)steps, marks);
	fprintf(stderr, "%llu", (unsigned long long)b->done);
	if (b->total > 0)
		fprintf(stderr, " of %llu", (unsigned long long)b->total);
	fprintf(stderr, " %s, %llu/s", b->what, (unsigned long long)rate);
	print_left(b, rate);
	b->drawn = now;
	b->is_shown = true;
}

void
bar_show(struct bar *b, uint64_t done)
{
	int64_t now;

	b->done = done;
	if (!b->is_terminal)
		return;
	clock_update();
	now = clock_mono();
	if (now - b->started >= WAIT && now - b->drawn >= EVERY)
		draw(b, now);
}

void
bar_clear(struct bar *b)
{
	if (b->is_shown)
		fputs(CLEAR, stderr);
	b->is_shown = false;
}

void
bar_end(struct bar *b)
{
	bar_clear(b);
}
