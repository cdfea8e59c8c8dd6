/* SPDX-License-Identifier: ISC */
/* structure - a request a part, and the sum of the answers. */
#include "structure.h"

#include "bar.h"
#include "inquiry.h"
#include "say.h"

#include <errno.h>

static bool
is_wanted(const struct structure *s, unsigned part)
{
	if (part == ADMIN_CHECK_TMP)
		return s->has_tmp;
	if (part == ADMIN_CHECK_JOURNAL)
		return s->has_content;
	return s->has_names || s->has_content;
}

static int
check_part(struct chan *c, const struct structure *s, unsigned part,
    struct admin_checked *sum)
{
	BUF_CLEANUP struct buf why = {0};
	struct admin_check ask = {part, s->has_content};
	const struct admin_checked *found;
	struct parcel answer;
	int r;

	buf_init(&why, 4096);
	r = inquiry_call(c, ADMIN_CHECK, &ask, ADMIN_CHECKED, &answer, &why);
	if (r < 0) {
		if (r != -EPERM)
			say_warning("the check broke off: %s", why.p);
		return r;
	}
	found = answer.value;
	sum->messages += found->messages;
	sum->moved += found->moved;
	sum->corrupt += found->corrupt;
	sum->foreign += found->foreign;
	sum->purged += found->purged;
	parcel_done(&answer);
	return 0;
}

static void
tell(const char *what, uint64_t n, const char *of)
{
	if (n > 0)
		say_info("%s: %llu %s%s", what, (unsigned long long)n, of,
		    n == 1 ? "" : "s");
}

int
structure_check(struct chan *c, const struct structure *s)
{
	struct admin_checked sum = {0};
	struct bar bar;
	int r = 0;

	bar_start(&bar, "directories", ADMIN_CHECK_PARTS);
	for (unsigned part = 0; r == 0 && part < ADMIN_CHECK_PARTS; part++) {
		if (is_wanted(s, part))
			r = check_part(c, s, part, &sum);
		bar_show(&bar, part + 1);
	}
	bar_end(&bar);
	tell("Requeued from a wrong directory", sum.moved, "message");
	tell("Put into corrupt/", sum.corrupt, "file");
	if (sum.foreign > 0)
		say_warning("%llu file%s in the queue that %s no message: see "
			    "the log",
		    (unsigned long long)sum.foreign,
		    sum.foreign == 1 ? "" : "s",
		    sum.foreign == 1 ? "is" : "are");
	tell("Purged", sum.purged, "temporary file");
	if (s->has_content && r == 0)
		say_info("Checked: %llu message%s",
		    (unsigned long long)sum.messages,
		    sum.messages == 1 ? "" : "s");
	return r;
}
