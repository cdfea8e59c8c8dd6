/* SPDX-License-Identifier: ISC */
/* date - dates as headers have them.  Owns nothing. */
#include "mail/date.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
date_format(int64_t wall, char ret_text[DATE_TEXT_MAX])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(wall / CLOCK_SEC);
	struct tm tm;
	long offset;

	if (localtime_r(&seconds, &tm) == NULL)
		tm = (struct tm){.tm_year = 70, .tm_mday = 1, .tm_wday = 4};
	offset = labs(tm.tm_gmtoff) / 60;
	snprintf(ret_text, DATE_TEXT_MAX,
	    "%.3s, %2d %.3s %d %02d:%02d:%02d %c%02ld%02ld (%.20s)",
	    days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3,
	    1900 + tm.tm_year, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60,
	    tm.tm_zone == NULL ? "UTC" : tm.tm_zone);
}
