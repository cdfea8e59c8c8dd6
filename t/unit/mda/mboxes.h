/* SPDX-License-Identifier: ISC */
/*
 * mboxes - mailbox files in the scratch directory, delivered to by mbox.c: what
 * its tests share.
 */
#ifndef T_MDA_MBOXES_H
#define T_MDA_MBOXES_H

#include "jobs.h"

#include "base/clock.h"
#include "base/task.h"
#include "mbox.h"

#include <sys/vfs.h>

static struct settings settings;
static struct mbox mbox;
static struct delivery_list list;

/* ---- the system's calls ---- */

#define EXT4 0xEF53
#define NFS  0x6969

static long file_system; /* that the scratch directory seems to be on */
static size_t ndir_syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fstatfs64(int fd, struct statfs *ret);

int
__wrap_fsync(int fd)
{
	struct stat st;

	ndir_syncs += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return __real_fsync(fd);
}

int
__wrap_fstatfs64(int fd, struct statfs *ret)
{
	(void)fd;
	*ret = (struct statfs){.f_type = file_system};
	return 0;
}

/* ---- deliveries ---- */

static inline int
setup(void **state)
{
	int r = make_scratch(state);

	file_system = EXT4;
	ndir_syncs = 0;

	settings = (struct settings){
	    .local_lock = {.fcntl = true,
		.dotlock = true,
		.attempts = 3,
		.delay = 20 * CLOCK_MS},
	    .virtual_lock = {.flock = true, .attempts = 1},
	};
	mbox = (struct mbox){scratch_fd, str_c(scratch), &settings};
	TAILQ_INIT(&list);
	return r < 0 ? r : loop_init();
}

static inline void
take(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&list, d, next);
}

static inline void
write_mboxes(void *arg)
{
	(void)arg;
	while (!TAILQ_EMPTY(&list))
		mbox_deliver(&mbox, &list);
}

static inline void
run(void)
{
	task_start(write_mboxes, NULL);
	loop_run();
}

static const struct want plain = {
    .id = "q1",
    .action = {.kind = ACTION_MBOX,
	.path = {"box", 3},
	.user = {"joe", 3},
	.relay = {"local", 5}},
    .header = "Return-Path: <a@b>\n",
    .content = {"Subject: x\n\nbody\n", 17},
};

static inline void
add(const char *content)
{
	struct want w = plain;

	w.content = str_c(content);
	job_start(make_job(&w), take);
}

static inline void
deliver(const struct want *w)
{
	job_start(make_job(w), take);
	run();
}

/* The file without the dates of its "From " lines, which are checked. */
static inline void
assert_box(const char *text)
{
	char *got = read_text("box", NULL), *p = got;
	BUF_CLEANUP struct buf b = {0};
	const char from[] = "From sender@example.com ";
	struct str rest = str_c(got), line;

	buf_init(&b, 1 << 20);
	while (str_line(&rest, &line)) {
		if (str_has_prefix(line, STR("From "))) {
			assert_true(str_has_prefix(line, str_c(from)));
			/* "Tue Nov 14 22:13:20 2023" */
			assert_int_equal(line.len, strlen(from) + 24);
			line = STR("FROM");
		}
		buf_add_str(&b, line);
		buf_add_char(&b, '\n');
	}
	assert_string_equal(b.p, text);
	free(p);
}

#define HEAD "FROM\nReturn-Path: <a@b>\n"

#define MBOX_TEST(f) cmocka_unit_test_setup_teardown(f, setup, drop_scratch)

#endif
