/* SPDX-License-Identifier: ISC */
/* notice_class - the words of notify_classes. */
#include "mail/notice_class.h"

static const struct {
	const char *word;
	enum notice_class class;
} words[] = {
    {"bounce", NOTICE_BOUNCE},
    {"2bounce", NOTICE_2BOUNCE},
    {"data", NOTICE_DATA},
    {"delay", NOTICE_DELAY},
    {"policy", NOTICE_POLICY},
    {"protocol", NOTICE_PROTOCOL},
    {"resource", NOTICE_RESOURCE},
    {"software", NOTICE_SOFTWARE},
};

static unsigned
class_of(struct str word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_case(word, str_c(words[i].word)))
			return words[i].class;
	return 0;
}

unsigned
notice_classes(struct str list, struct str *ret_bad)
{
	struct str word, bad = STR_NONE;
	unsigned bits = 0;

	while ((word = str_word(&list, ", \t\r\n")).len > 0) {
		unsigned class = class_of(word);

		if (class == 0 && bad.len == 0)
			bad = word;
		bits |= class;
	}
	if (ret_bad != NULL)
		*ret_bad = bad;
	return bits;
}
