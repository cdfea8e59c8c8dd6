/* SPDX-License-Identifier: ISC */
/* Packets from a stranger, each behind two bytes of length, into a parcel. */
#include "base/packet.h"

#include <string.h>

struct item {
	struct str name;
	int64_t n;
};
static const struct field item_fields[] = {
    SHAPE_LINE(struct item, name, 100),
    SHAPE_I64(struct item, n, 1000),
};
static const struct shape item_shape = SHAPE("item", struct item, item_fields);

struct list {
	struct str text;
	struct rows items;
	struct item one;
};
static const struct field list_fields[] = {
    SHAPE_STR(struct list, text, CHAN_PARCEL_MAX),
    SHAPE_ROWS(struct list, items, 100000, &item_shape),
    SHAPE_ONE(struct list, one, &item_shape),
};
static const struct shape list_shape = SHAPE("list", struct list, list_fields);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct str in = {(const char *)bytes, size};
	struct joiner j;
	struct parcel p;
	const char *why;

	joiner_init(&j);
	while (in.len > 2) {
		size_t n = bytes[size - in.len] | bytes[size - in.len + 1] << 8;
		struct str packet = str_sub(in, 2, n);
		int r = joiner_add(&j, packet, NULL, 0, &why);

		in = str_from(in, 2 + packet.len);
		if (r < 0)
			break;
		if (r == 1 && joiner_take(&j, &list_shape, &p, &why) == 0)
			parcel_done(&p);
	}
	joiner_done(&j);
	return 0;
}
