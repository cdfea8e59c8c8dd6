/* SPDX-License-Identifier: ISC */
/* Appending to mailbox files: their form, what is refused, what is undone. */
#include "mboxes.h"

#include <sys/mount.h>
#include <sys/resource.h>

/* ---- the form ---- */

static void
test_one(void **state)
{
	struct stat st;

	(void)state;
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(HEAD "Subject: x\n\nbody\n\n");
	assert_int_equal(fstatat(scratch_fd, "box", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(".", NULL), 1); /* no lock is left */
}

static void
test_form(void **state)
{
	(void)state;
	add("no end");
	add("From me\n\nFrom you\n>From him\n From her\nx From it\nFrom");
	add("\n\n\n");
	add("");
	run();
	assert_int_equal(ntold, 4);
	for (size_t i = 0; i < 4; i++)
		assert_told(i, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(HEAD "no end\n\n" HEAD
			">From me\n\n>From you\n>From him\n From her\n"
			"x From it\nFrom\n\n" HEAD "\n\n\n\n" HEAD "\n");
}

/* "From " at every offset around the end of what is read at a time. */
static void
test_from_at_block_end(void **state)
{
	const size_t block = 64 * 1024;

	(void)state;
	for (size_t at = block - 7; at <= block + 1; at++) {
		char *bytes = malloc(block + 100), *got;
		struct want w = plain;

		memset(bytes, 'y', block + 100);
		bytes[at - 1] = '\n';
		memcpy(bytes + at, "From x\n", 7);
		w.content = str_n(bytes, block + 100);
		w.header = "";
		deliver(&w);
		got = read_text("box", NULL);
		assert_non_null(strstr(got, "y\n>From x\ny"));
		assert_null(strstr(got, "y\nFrom x"));
		free(got);
		free(bytes);
		assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);
	}
}

/* Not a line's beginning: the block is not, either. */
static void
test_from_inside_long_line(void **state)
{
	const size_t block = 64 * 1024;
	char *bytes = malloc(2 * block), *got;
	struct want w = plain;

	(void)state;
	memset(bytes, 'y', 2 * block);
	memcpy(bytes + block, "From x", 6);
	w.content = str_n(bytes, 2 * block);
	w.header = "";
	deliver(&w);
	got = read_text("box", NULL);
	assert_non_null(strstr(got, "yFrom x"));
	free(got);
	free(bytes);
}

static void
test_file(void **state)
{
	struct want w = plain;
	char path[100], text[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/box", scratch);
	w.action.kind = ACTION_FILE;
	w.action.path = str_c(path);
	deliver(&w);
	snprintf(text, sizeof(text), "delivered to file: %s", path);
	assert_told(0, OUTCOME_SENT, "2.0.0", text);
	assert_box(HEAD "Subject: x\n\nbody\n\n");
	w.action.path = STR("/dev/null");
	deliver(&w);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to file: /dev/null");
}

/* ---- what is refused ---- */

static void
assert_refused(const char *why)
{
	char text[300];

	snprintf(text, sizeof(text),
	    "cannot update mailbox box for user joe. %s", why);
	ntold = 0;
	deliver(&plain);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0", text);
}

static void
test_hostile_boxes(void **state)
{
	(void)state;
	write_text("other", "precious\n", 0600);
	assert_int_equal(symlinkat("other", scratch_fd, "box"), 0);
	assert_refused("file is a symbolic link");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	assert_int_equal(linkat(scratch_fd, "other", scratch_fd, "box", 0), 0);
	assert_refused("file has more than one link");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	assert_int_equal(mkfifoat(scratch_fd, "box", 0600), 0);
	assert_refused("file is not a regular file");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	if (geteuid() == 0) {
		write_text("box", "", 0666);
		assert_int_equal(fchownat(scratch_fd, "box", 4711, 4711, 0), 0);
		assert_refused("destination is not owned by recipient");
	}
	assert_file("other", "precious\n");
}

static void
test_outside(void **state)
{
	struct want w = plain;

	(void)state;
	w.action.path = STR("../box");
	deliver(&w);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0",
	    "cannot update mailbox ../box for user joe. it is not below the "
	    "directory that was given");
}

/* ---- what is undone ---- */

static void
test_limits(void **state)
{
	struct rlimit was, small;
	char *big = calloc(1, 300001);

	(void)state;
	memset(big, 'z', 300000);
	signal(SIGXFSZ, SIG_IGN);
	deliver(&plain);
	add("first\n");
	add(big);
	add("third\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){280000, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	run();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(ntold, 4);
	/* It was half written; what came before and after is whole. */
	assert_told(1, OUTCOME_BOUNCED, "5.2.2",
	    "cannot update mailbox box for user joe: File too large");
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(3, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(
	    HEAD "Subject: x\n\nbody\n\n" HEAD "first\n\n" HEAD "third\n\n");
	free(big);
}

static void
test_mailbox_size_limit(void **state)
{
	struct want w = plain;

	(void)state;
	w.action.limit = 200;
	deliver(&w);
	deliver(&w);
	deliver(&w);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(2, OUTCOME_BOUNCED, "5.2.2",
	    "cannot update mailbox box for user joe: File too large");
	assert_box(HEAD "Subject: x\n\nbody\n\n" HEAD "Subject: x\n\nbody\n\n");
}

/* A full disk, as root, who may mount one. */
static void
test_full_disk(void **state)
{
	char path[100], *big;
	struct want w = plain;

	(void)state;
	if (geteuid() != 0)
		return; /* RLIMIT_FSIZE stands for it above */
	assert_int_equal(mkdirat(scratch_fd, "full", 0700), 0);
	snprintf(path, sizeof(path), "%s/full", scratch);
	assert_int_equal(mount("none", path, "tmpfs", 0, "size=256k"), 0);
	w.action.path = STR("full/box");
	deliver(&w);
	big = calloc(1, 400001);
	memset(big, 'z', 400000);
	w.content = str_n(big, 400000);
	deliver(&w);
	w.content = plain.content;
	deliver(&w);
	assert_int_equal(umount(path), 0);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(1, OUTCOME_DEFERRED, "4.3.1",
	    "cannot update mailbox full/box for user joe: "
	    "No space left on device");
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MBOX_TEST(test_one),
	    MBOX_TEST(test_form),
	    MBOX_TEST(test_from_at_block_end),
	    MBOX_TEST(test_from_inside_long_line),
	    MBOX_TEST(test_file),
	    MBOX_TEST(test_hostile_boxes),
	    MBOX_TEST(test_outside),
	    MBOX_TEST(test_limits),
	    MBOX_TEST(test_mailbox_size_limit),
	    MBOX_TEST(test_full_disk),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
