/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/file.h"
#include "mail/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* `size` bytes, each place with a value of its own. */
static char *
pattern(size_t size)
{
	char *p = malloc(size + 1);

	assert_non_null(p);
	for (size_t i = 0; i < size; i++)
		p[i] = (char)(i * 31 + i / 251);
	return p;
}

static struct content *
build(const char *p, size_t size, size_t piece)
{
	struct content_builder *b = content_builder_new(size);

	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		assert_int_equal(content_append(b, str_n(p + at, n)), 0);
	}
	assert_int_equal(content_builder_size(b), size);
	return content_finish(&b);
}

static void
check(struct content *c, const char *p, size_t size)
{
	char *back = malloc(size + 1);
	struct str view;
	size_t at = 0;

	assert_non_null(c);
	assert_int_equal(content_size(c), size);
	assert_int_equal(content_read(c, 0, back, size + 1), size);
	assert_memory_equal(back, p, size);
	assert_int_equal(content_read(c, size, back, 1), 0);
	for (;; at += view.len) {
		assert_int_equal(content_view(c, at, &view), 0);
		if (view.len == 0)
			break;
		assert_memory_equal(view.p, p + at, view.len);
	}
	assert_int_equal(at, size);
	free(back);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, CONTENT_INLINE, CONTENT_INLINE + 1,
	    CONTENT_CHUNK - 1, CONTENT_CHUNK, CONTENT_CHUNK + 1,
	    3 * CONTENT_CHUNK + 77};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t size = sizes[i], chunks;
		char *p = pattern(size);
		struct content *c = build(p, size, 7777);

		check(c, p, size);
		chunks = size <= CONTENT_INLINE
		             ? 0
		             : (size + CONTENT_CHUNK - 1) / CONTENT_CHUNK;
		assert_int_equal(content_fds(c), chunks);
		content_unref(&c);
		assert_null(c);
		free(p);
	}
}

static void
test_bounds(void **state)
{
	struct content_builder *b = content_builder_new(3);
	struct content *c;

	(void)state;
	assert_int_equal(content_append(b, STR("ab")), 0);
	assert_int_equal(content_append(b, STR("cd")), -EMSGSIZE);
	assert_int_equal(content_append(b, STR("c")), 0);
	c = content_finish(&b);
	assert_null(b);
	check(c, "abc", 3);
	content_unref(&c);
	b = content_builder_new(CONTENT_MAX);
	content_builder_free(&b);
	content_builder_free(&b);
}

static void
test_prepend_and_header(void **state)
{
	char *p = pattern(CONTENT_CHUNK + 10);
	struct content *body = build(p, CONTENT_CHUNK + 10, 100000), *c;
	struct str head = STR("A: b\nC: d\n e\n\n");
	char *all;

	(void)state;
	c = content_prepend(head, body);
	all = malloc(head.len + CONTENT_CHUNK + 10);
	memcpy(all, head.p, head.len);
	memcpy(all + head.len, p, CONTENT_CHUNK + 10);
	check(c, all, head.len + CONTENT_CHUNK + 10);
	assert_int_equal(content_header_size(c), head.len);
	content_unref(&c);
	content_unref(&body);
	c = content_from_str(STR("A: b\n"));
	assert_int_equal(content_header_size(c), 5);
	content_unref(&c);
	c = content_from_str(STR("\nbody\n"));
	assert_int_equal(content_header_size(c), 1);
	content_unref(&c);
	/* The empty line across the end of a chunk. */
	memset(all, 'x', CONTENT_CHUNK + 10);
	all[CONTENT_CHUNK - 1] = all[CONTENT_CHUNK] = '\n';
	c = build(all, CONTENT_CHUNK + 10, 50000);
	assert_int_equal(content_header_size(c), CONTENT_CHUNK + 1);
	content_unref(&c);
	free(all);
	free(p);
}

static void
test_write_to(void **state)
{
	char *p = pattern(CONTENT_CHUNK * 2);
	struct content *c = build(p, CONTENT_CHUNK * 2, 4096);
	char *back = malloc(CONTENT_CHUNK * 2);
	int fd = memfd_create("out", 0);

	(void)state;
	assert_int_equal(content_write_to(c, fd, 100), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), CONTENT_CHUNK * 2 - 100);
	assert_int_equal(fd_pread_all(fd, back, CONTENT_CHUNK * 2 - 100, 0), 0);
	assert_memory_equal(back, p + 100, CONTENT_CHUNK * 2 - 100);
	close(fd);
	fd = open("/dev/full", O_WRONLY);
	assert_int_equal(content_write_to(c, fd, 0), -ENOSPC);
	close(fd);
	content_unref(&c);
	free(back);
	free(p);
}

/* As it comes out of a channel: the descriptors duplicated. */
static int
send_over(const struct content *c, struct content **ret)
{
	struct content_wire w;
	struct parcel parcel = {0};
	const int *fds;
	int r;

	content_wire_of(c, &w, &fds, &parcel.nfds);
	parcel.fds = calloc(parcel.nfds + 1, sizeof(int));
	for (size_t i = 0; i < parcel.nfds; i++)
		parcel.fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	r = content_receive(&w, &parcel, ret);
	parcel_done(&parcel);
	return r;
}

static void
test_receive(void **state)
{
	static const size_t sizes[] = {
	    0, 10, CONTENT_INLINE, CONTENT_INLINE + 1, 2 * CONTENT_CHUNK + 5};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = pattern(sizes[i]);
		struct content *c = build(p, sizes[i], 9000), *d;

		assert_int_equal(send_over(c, &d), 0);
		content_unref(&c);
		check(d, p, sizes[i]);
		content_unref(&d);
		free(p);
	}
}

static int
memfd(size_t size, unsigned seals)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (seals != 0)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int
receive(size_t size, struct str inline_bytes, int fd0, int fd1)
{
	struct content_wire w = {inline_bytes, size};
	struct parcel p = {.nfds = (fd0 >= 0) + (fd1 >= 0)};
	struct content *c = NULL;
	int r;

	p.fds = calloc(2, sizeof(int));
	p.fds[0] = fd0;
	p.fds[1] = fd1;
	r = content_receive(&w, &p, &c);
	assert_int_equal(r == 0, c != NULL);
	content_unref(&c);
	parcel_done(&p);
	return r;
}

/* SECURITY: what a sender must not be able to hand over. */
static void
test_receive_bad(void **state)
{
	size_t size = CONTENT_INLINE + 1;
	int pipe_fds[2];

	(void)state;
	assert_int_equal(receive(size, STR_NONE, memfd(size, SEALS), -1), 0);
	for (unsigned seal = 1; seal <= F_SEAL_WRITE; seal <<= 1)
		assert_int_equal(
		    receive(size, STR_NONE, memfd(size, SEALS & ~seal), -1),
		    -EPROTO);
	assert_int_equal(receive(size, STR_NONE, memfd(size, 0), -1), -EPROTO);
	assert_int_equal(
	    receive(size, STR_NONE, memfd(size - 1, SEALS), -1), -EPROTO);
	assert_int_equal(
	    receive(size, STR_NONE, memfd(size + 1, SEALS), -1), -EPROTO);
	assert_int_equal(receive(size, STR_NONE, memfd(0, SEALS), -1), -EPROTO);
	/* In two where one would do, and in one where two are needed. */
	assert_int_equal(
	    receive(size, STR_NONE, memfd(size, SEALS), memfd(0, SEALS)),
	    -EPROTO);
	assert_int_equal(receive(CONTENT_CHUNK + 1, STR_NONE,
			     memfd(CONTENT_CHUNK + 1, SEALS), -1),
	    -EPROTO);
	assert_int_equal(receive(CONTENT_CHUNK + 1, STR_NONE,
			     memfd(CONTENT_CHUNK, SEALS), memfd(1, SEALS)),
	    0);
	assert_int_equal(receive(CONTENT_CHUNK + 1, STR_NONE, memfd(1, SEALS),
			     memfd(CONTENT_CHUNK, SEALS)),
	    -EPROTO);
	/* Small ones travel inline, and say their size. */
	assert_int_equal(receive(5, STR_NONE, memfd(5, SEALS), -1), -EPROTO);
	assert_int_equal(receive(5, STR("12345"), -1, -1), 0);
	assert_int_equal(receive(4, STR("12345"), -1, -1), -EPROTO);
	assert_int_equal(receive(6, STR("12345"), -1, -1), -EPROTO);
	assert_int_equal(
	    receive(size, STR("12345"), memfd(size, SEALS), -1), -EPROTO);
	assert_int_equal(receive(size, STR_NONE, -1, -1), -EPROTO);
	assert_int_equal(
	    receive(CONTENT_MAX + 1, STR_NONE, memfd(1, SEALS), -1), -EPROTO);
	/* What is no memfd at all. */
	assert_int_equal(
	    receive(size, STR_NONE, open("/etc/passwd", O_RDONLY), -1),
	    -EPROTO);
	assert_int_equal(
	    receive(size, STR_NONE, open("/dev/zero", O_RDONLY), -1), -EPROTO);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
	    receive(size, STR_NONE, pipe_fds[0], pipe_fds[1]), -EPROTO);
}

static void
test_is_fixed(void **state)
{
	char *p = pattern(CONTENT_CHUNK);
	struct content *c = build(p, CONTENT_CHUNK, 10000);
	struct content_wire w;
	const int *fds;
	size_t n;

	(void)state;
	content_wire_of(c, &w, &fds, &n);
	assert_int_equal(n, 1);
	assert_true(pwrite(fds[0], "x", 1, 0) < 0);
	assert_true(ftruncate(fds[0], 0) < 0);
	assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0],
			0) == MAP_FAILED);
	content_unref(&c);
	free(p);
}

static void
test_ref(void **state)
{
	struct content *c = content_from_str(STR("x")), *d = content_ref(c);

	(void)state;
	content_unref(&c);
	assert_int_equal(content_size(d), 1);
	content_unref(&d);
	content_unref(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_prepend_and_header),
    cmocka_unit_test(test_write_to),
    cmocka_unit_test(test_receive),
    cmocka_unit_test(test_receive_bad),
    cmocka_unit_test(test_is_fixed),
    cmocka_unit_test(test_ref),
};
TAP_RUN(tests)
