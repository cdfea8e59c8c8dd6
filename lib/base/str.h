/* SPDX-License-Identifier: ISC */
/*
 * str - a borrowed piece of text: a pointer and a length.
 *
 * A struct str owns nothing and may hold any byte, NUL included; there need
 * not be a NUL behind it.  It is passed by value.  It lives as long as what
 * it points into: a buf, an arena, a packet, a literal.  Nothing here copies
 * or allocates.  "Case" means ASCII case: the bytes of mail have no locale.
 *
 *	struct str line = ..., word, rest;
 *	if (str_cut(line, ' ', &word, &rest) && str_eq_case(word, STR("to")))
 *		...
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t len;
};

/* A literal as a str; the "" refuses anything but a literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((struct str){"", 0})

/* For printf: "%.*s" with STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).p

struct str str_n(const char *p, size_t len);
struct str str_c(const char *c); /* NULL gives the empty str */

bool str_is_empty(struct str s);
bool str_eq(struct str a, struct str b);
bool str_eq_case(struct str a, struct str b); /* ASCII case ignored */
int str_cmp(struct str a, struct str b);      /* as memcmp, then by length */
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_prefix_case(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);
bool str_has_suffix_case(struct str s, struct str suffix);
bool str_has_char(struct str s, char c);
bool str_is_ascii(struct str s); /* no byte above 127 */

/* Index of the first, last `c`, or of `needle`; -1 when there is none. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_find_last(struct str s, char c);
ptrdiff_t str_find_str(struct str s, struct str needle);

/* The part from `from` on, at most `len` bytes; both are cut to what is there.
 */
struct str str_sub(struct str s, size_t from, size_t len);
struct str str_from(struct str s, size_t from);
struct str str_trim(struct str s); /* without blanks (SP HT CR LF) around */

/*
 * Split at the first `at`: *ret_head before it, *ret_tail behind it.  When
 * there is none: false, head is all of `s`, tail is empty.  Either may be
 * NULL, or the same variable as the argument.
 */
bool str_cut(struct str s, char at, struct str *ret_head, struct str *ret_tail);

/*
 * Take the next word off *rest: the bytes up to one of `seps`, leading
 * separators skipped.  Empty when nothing is left.
 */
struct str str_word(struct str *rest, const char *seps);

/* Take the next line off *rest, without its LF or CRLF; false at the end. */
bool str_line(struct str *rest, struct str *ret_line);

/* Digits only, the whole of `s`, at most `max`: 0, -EINVAL or -ERANGE. */
int str_parse_u64(struct str s, uint64_t max, uint64_t *ret);

char str_lower_char(char c);
char str_upper_char(char c);
bool str_is_blank_char(char c); /* SP or HT */
bool str_is_digit_char(char c);
bool str_is_alnum_char(char c);

/*
 * The bytes of the character at the front of `s`, which is not empty, when it
 * can be shown: one of printable ASCII, or of UTF-8 (RFC 3629 section 4) and
 * no control character (U+0080 to U+009F are).  Else 0.
 */
size_t str_shown_len(struct str s);

#endif
