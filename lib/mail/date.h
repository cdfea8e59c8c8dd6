/* SPDX-License-Identifier: ISC */
/*
 * date - dates as headers have them (RFC 5322 section 3.3), in local time
 * with the zone's name behind: "Tue,  4 Nov 2026 09:05:01 +0100 (CET)".
 *
 * The zone is read once, by tzset(), which serve_main() calls before it shuts
 * the process in; nothing here opens a file or waits.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

#define DATE_TEXT_MAX 128 /* with the NUL */

/* `wall` as of clock_wall(). */
void date_format(int64_t wall, char ret_text[DATE_TEXT_MAX]);

#endif
