/* SPDX-License-Identifier: ISC */
/* windows - kept in a cache a kind, each until it ends. */
#include "windows.h"

#include <assert.h>
#include <string.h>

#define AUTH_PERIOD  (600 * CLOCK_SEC)
#define LOGIN_PERIOD (3600 * CLOCK_SEC)
#define HOME_PERIOD  (7 * 86400 * CLOCK_SEC)

void
windows_init(struct windows *w, int64_t unit)
{
	for (int i = 0; i < MEMO_WHATS; i++)
		w->kinds[i] = i == MEMO_SESSIONS
		                  ? NULL
		                  : cache_new(WINDOWS_MAX, WINDOWS_BYTES_MAX);
	w->unit = unit;
}

void
windows_done(struct windows *w)
{
	for (int i = 0; i < MEMO_WHATS; i++)
		cache_free(&w->kinds[i]);
}

static int64_t
period_of(const struct windows *w, enum memo_what what)
{
	switch (what) {
	case MEMO_CONNECTIONS:
	case MEMO_MESSAGES:
	case MEMO_RECIPIENTS:
	case MEMO_TLS_SESSIONS:
	case MEMO_AUTHS:
		return w->unit;
	case MEMO_AUTH_FAILURES:
		return AUTH_PERIOD;
	case MEMO_LOGIN_FAILURES:
	case MEMO_LOGIN_RECIPIENTS:
		return LOGIN_PERIOD;
	case MEMO_LOGIN_HOMES:
		return HOME_PERIOD;
	case MEMO_SESSIONS:
	case MEMO_WHATS:
		break;
	}
	assert(!"no window");
	return 0;
}

uint64_t
windows_add(struct windows *w, enum memo_what what, struct str key, uint64_t n)
{
	struct cache *kind = w->kinds[what];
	struct str value;
	uint64_t total = 0;
	int64_t until;

	if (cache_get(kind, key, &value, &until))
		memcpy(&total, value.p, sizeof(total));
	else
		until = clock_after(period_of(w, what));
	if (n == 0)
		return total;
	total = total + n < WINDOWS_TOTAL_MAX ? total + n : WINDOWS_TOTAL_MAX;
	cache_put(kind, key, str_n((const char *)&total, sizeof(total)), until);
	return total;
}

size_t
windows_count(const struct windows *w)
{
	size_t n = 0;

	for (int i = 0; i < MEMO_WHATS; i++)
		if (w->kinds[i] != NULL)
			n += cache_count(w->kinds[i]);
	return n;
}
