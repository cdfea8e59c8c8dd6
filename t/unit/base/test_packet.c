/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/packet.h"
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct note {
	struct str text;
	uint64_t n;
};
static const struct field note_fields[] = {
    SHAPE_STR(struct note, text, CHAN_PARCEL_MAX),
    SHAPE_U64(struct note, n, 100),
};
static const struct shape note_shape = SHAPE("note", struct note, note_fields);

static struct str
with_header(struct buf *b, struct packet_header h, struct str part)
{
	unsigned char head[PACKET_HEADER];

	buf_init(b, CHAN_PACKET + 100);
	packet_put_header(&h, head);
	buf_add(b, head, sizeof(head));
	buf_add_str(b, part);
	return buf_str(b);
}

static void
a_parcel_comes_back_whole(void **state)
{
	struct note note = {STR("hello"), 7};
	struct buf value, packet;
	struct joiner j;
	struct parcel p;
	const char *why = NULL;
	const struct note *got;

	(void)state;
	joiner_init(&j);
	buf_init(&value, 1000);
	assert_int_equal(shape_encode(&note_shape, &note, &value), 0);
	with_header(&packet,
	    (struct packet_header){
		.kind = 3, .flags = PACKET_ASKS, .exchange = 9},
	    buf_str(&value));
	assert_int_equal(joiner_add(&j, buf_str(&packet), NULL, 0, &why), 1);
	assert_int_equal(joiner_take(&j, &note_shape, &p, &why), 0);
	got = p.value;
	assert_int_equal(p.kind, 3);
	assert_int_equal(p.exchange, 9);
	assert_str(got->text, "hello");
	assert_int_equal(got->n, 7);
	parcel_done(&p);
	joiner_done(&j);
	buf_done(&value);
	buf_done(&packet);
}

static int
any_fd(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool
is_open_fd(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
descriptors_are_kept_or_closed(void **state)
{
	int fds[3] = {any_fd(), any_fd(), any_fd()};
	struct buf first, last, bad;
	struct joiner j;
	const char *why = NULL;

	(void)state;
	joiner_init(&j);
	with_header(&first,
	    (struct packet_header){.kind = 1, .flags = PACKET_MORE, .nfds = 1},
	    STR("x"));
	with_header(
	    &last, (struct packet_header){.kind = 1, .nfds = 1}, STR("y"));
	with_header(
	    &bad, (struct packet_header){.kind = 2, .nfds = 1}, STR("z"));
	assert_int_equal(joiner_add(&j, buf_str(&first), fds, 1, &why), 0);
	assert_int_equal(
	    joiner_add(&j, buf_str(&bad), fds + 1, 1, &why), -EPROTO);
	assert_string_equal(why, "parcels are mixed up");
	assert_false(is_open_fd(fds[1]));
	assert_int_equal(joiner_add(&j, buf_str(&last), fds + 2, 1, &why), 1);
	assert_true(is_open_fd(fds[0]));
	assert_true(is_open_fd(fds[2]));
	joiner_done(&j);
	assert_false(is_open_fd(fds[0]));
	assert_false(is_open_fd(fds[2]));
	buf_done(&first);
	buf_done(&last);
	buf_done(&bad);
}

static void
a_taken_descriptor_stays_open(void **state)
{
	int fds[2] = {any_fd(), any_fd()};
	struct note note = {STR("d"), 1};
	struct buf value, packet;
	struct joiner j;
	struct parcel p;
	const char *why = NULL;

	(void)state;
	joiner_init(&j);
	buf_init(&value, 1000);
	shape_encode(&note_shape, &note, &value);
	with_header(
	    &packet, (struct packet_header){.nfds = 2}, buf_str(&value));
	assert_int_equal(joiner_add(&j, buf_str(&packet), fds, 2, &why), 1);
	assert_int_equal(joiner_take(&j, &note_shape, &p, &why), 0);
	assert_int_equal(parcel_take_fd(&p, 1), fds[1]);
	assert_int_equal(parcel_take_fd(&p, 1), -1);
	assert_int_equal(parcel_take_fd(&p, 2), -1);
	parcel_done(&p);
	assert_false(is_open_fd(fds[0]));
	assert_true(is_open_fd(fds[1]));
	close(fds[1]);
	joiner_done(&j);
	buf_done(&value);
	buf_done(&packet);
}

static void
malformed_packets_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} table[] = {
	    {"", 0, "a packet has no proper header"},
	    {"\1\0\0\0\0\0\0", 7, "a packet has no proper header"},
	    {"\1\4\0\0\0\0\0\0x", 9, "a packet has no proper header"},
	    {"\1\377\0\0\0\0\0\0x", 9, "a packet has no proper header"},
	    {"\1\0\0\1\0\0\0\0x", 9, "a packet has no proper header"},
	    {"\1\0\1\0\0\0\0\0x", 9, "a descriptor was lost"},
	    {"\1\0\0\0\0\0\0\0", 8, "a packet is empty"},
	    {"\1\1\0\0\0\0\0\0", 8, "a packet is empty"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct str in = guard_copy(str_n(table[i].bytes, table[i].len));
		struct joiner j;
		const char *why = "";

		joiner_init(&j);
		assert_int_equal(joiner_add(&j, in, NULL, 0, &why), -EPROTO);
		assert_string_equal(why, table[i].why);
		joiner_done(&j);
		guard_free(in);
	}
}

static void
every_cut_of_a_value_is_refused(void **state)
{
	struct note note = {STR("a text"), 5};
	struct buf value;

	(void)state;
	buf_init(&value, 1000);
	shape_encode(&note_shape, &note, &value);
	for (size_t n = 1; n < value.len; n++) {
		struct joiner j;
		struct buf packet;
		struct parcel p;
		const char *why = NULL;

		joiner_init(&j);
		with_header(&packet, (struct packet_header){.kind = 0},
		    str_sub(buf_str(&value), 0, n));
		assert_int_equal(
		    joiner_add(&j, buf_str(&packet), NULL, 0, &why), 1);
		assert_int_equal(
		    joiner_take(&j, &note_shape, &p, &why), -EPROTO);
		assert_non_null(why);
		joiner_done(&j);
		buf_done(&packet);
	}
	buf_done(&value);
}

static void
a_row_of_packets_has_an_end(void **state)
{
	struct packet_header h = {.kind = 1, .flags = PACKET_MORE};
	struct buf part, packet;
	struct joiner j;
	const char *why = NULL;
	size_t sum = 0;
	int r = 0;

	(void)state;
	joiner_init(&j);
	buf_init(&part, PACKET_DATA);
	memset(buf_room(&part, PACKET_DATA), 'x', PACKET_DATA);
	buf_grew(&part, PACKET_DATA);
	with_header(&packet, h, buf_str(&part));
	while (r == 0 && sum <= 2 * CHAN_PARCEL_MAX) {
		r = joiner_add(&j, buf_str(&packet), NULL, 0, &why);
		sum += PACKET_DATA;
	}
	assert_int_equal(r, -EPROTO);
	assert_string_equal(why, "the parcel is too large");
	assert_true(j.bytes.len <= CHAN_PARCEL_MAX);
	joiner_done(&j);
	buf_done(&part);
	buf_done(&packet);
}

static void
the_count_covers_bytes_and_descriptors(void **state)
{
	(void)state;
	assert_int_equal(packet_count(0, 0), 1);
	assert_int_equal(packet_count(PACKET_DATA, CHAN_FDS), 1);
	assert_int_equal(packet_count(PACKET_DATA + 1, 0), 2);
	assert_int_equal(packet_count(10, CHAN_FDS + 1), 2);
	assert_int_equal(packet_count(10 * PACKET_DATA, 1), 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_parcel_comes_back_whole),
    cmocka_unit_test(descriptors_are_kept_or_closed),
    cmocka_unit_test(a_taken_descriptor_stays_open),
    cmocka_unit_test(malformed_packets_are_refused),
    cmocka_unit_test(every_cut_of_a_value_is_refused),
    cmocka_unit_test(a_row_of_packets_has_an_end),
    cmocka_unit_test(the_count_covers_bytes_and_descriptors),
};

TAP_RUN(tests)
