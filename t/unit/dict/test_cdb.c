/* SPDX-License-Identifier: ISC */
#include "check.h"

#include "base/file.h"

#include <cdb.h>
#include <stdlib.h>

/* A cdb of `n` pairs, and one whose key and value end with a NUL. */
static void
make_cdb(struct buf *ret, unsigned n)
{
	FD_CLEANUP int fd = memfd_create("cdb", MFD_CLOEXEC);
	struct cdb_make make;
	char key[32];

	assert_true(fd >= 0);
	assert_int_equal(cdb_make_start(&make, fd), 0);
	for (unsigned i = 0; i < n; i++) {
		int len = snprintf(key, sizeof(key), "key%u", i);

		assert_int_equal(cdb_make_add(&make, key, (unsigned)len,
				     key + 3, (unsigned)len - 3),
		    0);
	}
	assert_int_equal(cdb_make_add(&make, "nul", 4, "value", 6), 0);
	assert_int_equal(cdb_make_finish(&make), 0);
	buf_init(ret, 64 << 20);
	while (true) {
		ssize_t got =
		    pread(fd, buf_room(ret, 4096), 4096, (off_t)ret->len);

		assert_true(got >= 0);
		if (got == 0)
			break;
		buf_grew(ret, (size_t)got);
	}
}

static void
check_keys(unsigned n)
{
	struct fake_env e = {0};
	BUF_CLEANUP struct buf bytes = {0};
	struct dict *d;
	char key[32];

	make_cdb(&bytes, n);
	fake_init(&e);
	e.files[0] = (struct fake_file){"/t.cdb", buf_str(&bytes)};
	d = check_open(&e, "hash:/t");
	for (unsigned i = 0; i < n; i += 1 + n / 100) {
		snprintf(key, sizeof(key), "KEY%u", i);
		check_get(d, key, key + 3);
	}
	check_get(d, "nul", "value");
	check_get(d, "key", "NO");
	check_get(d, "absent", "NO");
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
test_in_memory(void **state)
{
	(void)state;
	check_keys(0);
	check_keys(1);
	check_keys(1000);
}

static void
test_by_pread(void **state)
{
	(void)state;
	check_keys(150000); /* above the bound of what is copied */
}

static void
test_not_a_cdb(void **state)
{
	struct fake_env e = {.files = {{"/t.cdb", STR("hello")}}};

	(void)state;
	fake_init(&e);
	check_refused(&e, "cdb:/t", "not a cdb file");
	check_refused(&e, "cdb:/u", "postmap");
	buf_done(&e.remarks);
}

/* Whatever the bytes are, an answer comes, and no byte outside is read. */
static void
test_hostile(void **state)
{
	BUF_CLEANUP struct buf bytes = {0};
	struct fake_env e = {0};
	char *copy;

	(void)state;
	fake_init(&e);
	make_cdb(&bytes, 20);
	copy = malloc(bytes.len);
	assert_non_null(copy);
	srandom(1);
	for (int round = 0; round < 3000; round++) {
		size_t len = bytes.len - (size_t)(round % 3 == 0) *
		                             ((size_t)random() % bytes.len);
		BUF_CLEANUP struct buf why = {0};
		struct dict *d;

		memcpy(copy, bytes.p, bytes.len);
		for (int i = 0; i < 8; i++)
			copy[(size_t)random() % bytes.len] = (char)random();
		if (round % 2 == 0)
			memset(
			    copy + (size_t)random() % (bytes.len - 4), 0xff, 4);
		e.files[0] = (struct fake_file){"/t.cdb", {copy, len}};
		buf_init(&why, 1000);
		d = dict_open(&e.env, STR("cdb:/t"), &why);
		for (unsigned i = 0; d != NULL && i < 20; i++) {
			ARENA_CLEANUP struct arena a = {0};
			char key[32];
			struct str got;

			arena_init(&a, 1 << 20);
			snprintf(key, sizeof(key), "key%u", i);
			if (dict_get(d, str_c(key), &a, &got) == FIND_YES)
				assert_true(got.len <= len);
		}
		dict_free(&d);
	}
	free(copy);
	buf_done(&e.remarks);
}

/* The tables of a hash point outside: broken, and never "not there". */
static void
test_broken_is_not_no(void **state)
{
	BUF_CLEANUP struct buf bytes = {0};
	struct fake_env e = {0};
	struct dict *d;

	(void)state;
	fake_init(&e);
	make_cdb(&bytes, 1);
	for (size_t i = 0; i < 2048; i += 8)
		cdb_pack(0x7fffffff, (unsigned char *)bytes.p + i);
	e.files[0] = (struct fake_file){"/t.cdb", buf_str(&bytes)};
	d = check_open(&e, "cdb:/t");
	check_get(d, "key0", "BROKEN");
	dict_free(&d);
	buf_done(&e.remarks);
}

static int big_fd = -1;

static int
open_big(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return dup(big_fd);
}

/* Somebody truncates the table while it is open. */
static void
test_truncated_live(void **state)
{
	BUF_CLEANUP struct buf bytes = {0}, why = {0};
	struct dict_env env = {.open = open_big};
	struct dict *d;

	(void)state;
	make_cdb(&bytes, 150000);
	buf_init(&why, 1000);
	big_fd = memfd_create("big", MFD_CLOEXEC);
	assert_int_equal(fd_write_all(big_fd, bytes.p, bytes.len), 0);
	d = dict_open(&env, STR("cdb:/t"), &why);
	assert_non_null(d);
	check_get(d, "key77", "77");
	assert_int_equal(ftruncate(big_fd, 4096), 0);
	check_get(d, "key77", "BROKEN");
	dict_free(&d);
	close(big_fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_in_memory),
    cmocka_unit_test(test_by_pread),
    cmocka_unit_test(test_not_a_cdb),
    cmocka_unit_test(test_hostile),
    cmocka_unit_test(test_broken_is_not_no),
    cmocka_unit_test(test_truncated_live),
};

TAP_RUN(tests)
