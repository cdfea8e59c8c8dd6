/* SPDX-License-Identifier: ISC */
/* statistics - maxima, and their lines. */
#include "statistics.h"

#include "base/log.h"

#include <string.h>
#include <time.h>

/* In the order of the lines; without a name: none. */
static const struct {
	const char *name;
	enum memo_what what;
} lines[] = {
    {"connection rate", MEMO_CONNECTIONS},
    {"connection count", MEMO_SESSIONS},
    {"message rate", MEMO_MESSAGES},
    {"recipient rate", MEMO_RECIPIENTS},
    {"newtls rate", MEMO_TLS_SESSIONS},
    {"auth rate", MEMO_AUTHS},
};

void
statistics_note(
    struct statistics *s, enum memo_what what, struct str key, uint64_t total)
{
	if (total <= s->most[what].n || key.len > sizeof(s->most[what].key))
		return;
	s->most[what].n = total;
	s->most[what].when = clock_wall();
	s->most[what].len = key.len;
	memcpy(s->most[what].key, key.p, key.len);
}

void
statistics_note_cache(struct statistics *s, size_t n)
{
	if (n <= s->cache)
		return;
	s->cache = n;
	s->cache_when = clock_wall();
}

static const char *
date(int64_t when, char text[32])
{
	time_t t = (time_t)(when / CLOCK_SEC);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, 32, "%b %e %H:%M:%S", &tm) == 0)
		text[0] = '\0';
	return text;
}

static void
log_most(const struct statistics *s, size_t line, int64_t unit)
{
	enum memo_what what = lines[line].what;
	char period[32] = "", when[32];

	if (s->most[what].n == 0)
		return;
	if (what != MEMO_SESSIONS)
		snprintf(period, sizeof(period), "/%llds",
		    (long long)(unit / CLOCK_SEC));
	log_info("statistics: max %s %llu%s for (%.*s) at %s", lines[line].name,
	    (unsigned long long)s->most[what].n, period, (int)s->most[what].len,
	    s->most[what].key, date(s->most[what].when, when));
}

void
statistics_log(struct statistics *s, int64_t unit)
{
	char when[32];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		log_most(s, i, unit);
	if (s->cache > 0)
		log_info("statistics: max cache size %zu at %s", s->cache,
		    date(s->cache_when, when));
	*s = (struct statistics){0};
}
