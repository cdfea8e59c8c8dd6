/* SPDX-License-Identifier: ISC */
/* What an interrupted attempt left at a mailbox file's end, and the next one.
 */
#include "mboxes.h"

/* A torn message at the end does not swallow the next. */
static void
test_after_torn(void **state)
{
	(void)state;
	write_text("box",
	    "From sender@example.com Tue Nov 14 22:13:20 2023\n"
	    "half a li",
	    0600);
	deliver(&plain);
	assert_box("FROM\nhalf a li\n\n" HEAD "Subject: x\n\nbody\n\n");
	write_text("box", "a line\n", 0600);
	deliver(&plain);
	assert_box("a line\n\n" HEAD "Subject: x\n\nbody\n\n");
}

#define DATE_LEN 24 /* of a "From " line, behind its sender */
#define FROM_LEN strlen("From sender@example.com ")

/* An attempt at the file's last message, which begins at `front`, was
 * interrupted at every byte in turn, at another time: the next one ends it, and
 * writes nothing a second time. */
static void
tear_at_every_byte(const struct want *w, size_t front)
{
	const size_t date = front + FROM_LEN;
	size_t size, got_size;
	char *whole = read_text("box", &size), *got;

	memcpy(whole + date, "Tue Nov 14 22:13:20 2023", DATE_LEN);
	for (size_t n = front; n <= size; n++) {
		char *torn = strndup(whole, n);

		write_text("box", torn, 0600);
		ntold = 0;
		deliver(w);
		assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
		got = read_text("box", &got_size);
		assert_int_equal(got_size, size);
		if (n < date + DATE_LEN)
			memcpy(got + date, whole + date, DATE_LEN);
		assert_memory_equal(got, whole, size);
		free(got);
		free(torn);
	}
	free(whole);
}

static void
test_again(void **state)
{
	struct want w = plain;
	struct stat st;

	(void)state;
	w.content = STR("Subject: x\n\nFrom me\nF\n\n\nFr\n\n>From me");
	w.is_again = true;
	deliver(&w);
	tear_at_every_byte(&w, 0);
	add("Subject: another\n\n\n");
	run();
	assert_int_equal(fstatat(scratch_fd, "box", &st, 0), 0);
	w.id = "q2";
	w.header = "Delivered-To: joe\n";
	deliver(&w);
	tear_at_every_byte(&w, (size_t)st.st_size);
}

/* The end of what is read at a time falls on every byte of its beginning. */
static void
test_large_again(void **state)
{
	const size_t block = 64 * 1024;
	char *bytes = malloc(5 * block);
	struct want w = plain;
	size_t size, again;
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/box", scratch);
	memset(bytes, 'y', 5 * block);
	for (size_t i = 0; i < 5 * block; i += 64)
		bytes[i] = '\n';
	write_text("box", "From a@b Tue Nov 14 22:13:20 2023\n\nx\n\n", 0600);
	w.is_again = true;
	for (size_t cut = 0; cut < 80; cut++) {
		w.content = str_n(bytes, 4 * block + cut);
		deliver(&w);
		free(read_text("box", &size));
		deliver(&w);
		free(read_text("box", &again));
		assert_int_equal(again, size);
		/* torn where a reader's block, and a page, would end */
		assert_int_equal(truncate(path, (off_t)(size - block)), 0);
		deliver(&w);
		free(read_text("box", &again));
		assert_int_equal(again, size);
		write_text(
		    "box", "From a@b Tue Nov 14 22:13:20 2023\n\nx\n\n", 0600);
	}
	free(bytes);
}

/* A file with nothing but what an interrupted attempt wrote may be one whose
 * name is not durable. */
static void
test_again_in_new_file(void **state)
{
	struct want w = plain;
	size_t size;
	char *whole, *torn;

	(void)state;
	deliver(&w);
	assert_int_equal(ndir_syncs, 1);
	deliver(&w);
	assert_int_equal(ndir_syncs, 1);
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);
	deliver(&w);
	whole = read_text("box", &size);
	w.is_again = true;
	for (size_t n = 0; n <= size; n++) {
		torn = strndup(whole, n);
		write_text("box", torn, 0600);
		ndir_syncs = 0;
		deliver(&w);
		assert_int_equal(ndir_syncs, 1);
		free(torn);
	}
	deliver(&w); /* the same again: it is there */
	free(whole);
	write_text("box", "another's\n\n", 0600);
	ndir_syncs = 0;
	deliver(&w);
	assert_int_equal(ndir_syncs, 0);
}

/* What is no beginning of ours stays, and ours begins behind it. */
static void
test_again_after_others(void **state)
{
	static const char *const ends[] = {
	    "From sender@example.org Tue Nov 14 22:13:20 2023\nReturn-Path",
	    "From sender@example.com Tue Nov 14 22:13:20 2023\nReturn-Path: <b",
	    "x\nFrom sender@example.com Tue Nov 14 22:13:20 2023\nReturn-Path",
	    "a line that ends in\n\nFrom\n",
	    "a line\n\n Fr",
	    "",
	    "\n",
	    "F\n",
	    "\n\n",
	    "x",
	};
	struct want w = plain;

	(void)state;
	w.is_again = true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *got;

		write_text("box", ends[i], 0600);
		deliver(&w);
		got = read_text("box", NULL);
		assert_int_equal(strncmp(got, ends[i], strlen(ends[i])), 0);
		assert_non_null(strstr(got, "body\n\n"));
		assert_non_null(
		    strstr(got + strlen(ends[i]), "From sender@example.com "));
		free(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MBOX_TEST(test_after_torn),
	    MBOX_TEST(test_again),
	    MBOX_TEST(test_large_again),
	    MBOX_TEST(test_again_in_new_file),
	    MBOX_TEST(test_again_after_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
