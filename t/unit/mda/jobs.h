/* SPDX-License-Identifier: ISC */
/*
 * jobs - jobs made by hand, what became of them, and a scratch directory:
 * what the tests of mda share.
 */
#ifndef T_MDA_JOBS_H
#define T_MDA_JOBS_H

#include "tap.h"

#include "base/buf.h"
#include "job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- outcomes ---- */

#define TOLD_MAX 512

struct told {
	unsigned exchange;
	uint64_t index, state;
	char dsn[16], text[OUTCOME_TEXT_MAX + 1];
	bool is_verdict; /* of a command */
};

static struct told told[TOLD_MAX];
static size_t ntold;

static inline void
note_outcome(unsigned exchange, const struct job_outcome *o)
{
	struct told *t = &told[ntold++];

	t->exchange = exchange;
	t->index = o->index;
	t->state = o->outcome.state;
	snprintf(t->dsn, sizeof(t->dsn), "%.*s", STR_ARG(o->outcome.dsn));
	snprintf(t->text, sizeof(t->text), "%.*s", STR_ARG(o->outcome.text));
	t->is_verdict = str_eq(o->outcome.diagnostic, o->outcome.text);
}

static inline void
note_done(unsigned exchange, const struct job_done *done)
{
	const struct job_outcome *o = done->outcomes.p;

	for (size_t i = 0; i < done->outcomes.n; i++)
		note_outcome(exchange, &o[i]);
}

static inline void
note_answer(struct job *job, const struct job_done *done)
{
	note_done(job->parcel.exchange, done);
}

static inline void
assert_told(size_t i, uint64_t state, const char *dsn, const char *text)
{
	assert_true(i < ntold);
	assert_string_equal(told[i].text, text);
	assert_string_equal(told[i].dsn, dsn);
	assert_int_equal(told[i].state, state);
}

/* ---- jobs ---- */

struct want {
	const char *id;
	struct action action;
	const char *header;
	struct str content;
	size_t recipients;
	int64_t arrival;
	bool is_again;
};

/* A content and the value that goes with it. */
static inline struct content *
make_content(struct str bytes)
{
	struct content_builder *b = content_builder_new(CONTENT_MAX);

	assert_int_equal(content_append(b, bytes), 0);
	return content_finish(&b);
}

/* The value of a JOB_DELIVER, in `a`; but for the content. */
static inline struct job_deliver *
make_deliver(const struct want *w, struct arena *a)
{
	size_t n = w->recipients == 0 ? 1 : w->recipients;
	struct job_deliver *d = arena_alloc(a, sizeof(*d));
	struct job_recipient *rcpt = arena_array(a, n, sizeof(*rcpt));

	d->id = arena_str(a, str_c(w->id));
	d->sender = STR("sender@example.com");
	d->header = str_c(w->header);
	d->arrival = w->arrival;
	d->is_again = w->is_again;
	d->recipients = (struct rows){rcpt, n};
	for (size_t i = 0; i < n; i++) {
		struct action *action = arena_alloc(a, sizeof(*action));

		*action = w->action;
		rcpt[i].index = i;
		rcpt[i].recipient.address = STR("user+ext@example.org");
		rcpt[i].recipient.original = STR("alias@example.org");
		rcpt[i].recipient.action = (struct rows){action, 1};
	}
	return d;
}

static inline struct job *
make_job(const struct want *w)
{
	static unsigned exchange;
	struct parcel p = {.kind = JOB_DELIVER, .exchange = ++exchange};
	struct content *c = make_content(w->content);
	struct job_deliver *d;
	const int *fds;

	arena_init(&p.arena, 1 << 20);
	buf_init(&p.bytes, 1);
	d = make_deliver(w, &p.arena);
	content_wire_of(c, &d->content, &fds, &p.nfds);
	d->content.inline_bytes = arena_str(&p.arena, d->content.inline_bytes);
	p.fds = calloc(p.nfds + 1, sizeof(*p.fds));
	for (size_t i = 0; i < p.nfds; i++)
		p.fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	content_unref(&c);
	p.value = d;
	return job_new(&p, note_answer);
}

/* ---- a scratch directory ---- */

static char scratch[64];
static int scratch_fd = -1;

static inline int
make_scratch(void **state)
{
	(void)state;
	ntold = 0;
	snprintf(scratch, sizeof(scratch), "/tmp/valija-mda-XXXXXX");
	if (mkdtemp(scratch) == NULL)
		return -1;
	scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch_fd < 0 ? -1 : 0;
}

static inline int
remove_tree(int dirfd, const char *name)
{
	int fd = openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return unlinkat(dirfd, name, 0);
	dir = fdopendir(fd);
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_tree(fd, e->d_name);
	closedir(dir);
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

static inline int
drop_scratch(void **state)
{
	(void)state;
	close(scratch_fd);
	return remove_tree(AT_FDCWD, scratch);
}

/* Files in a directory; the name of one of them into `ret_name`. */
static inline size_t
count_files(const char *path, char ret_name[256])
{
	int fd = openat(scratch_fd, path, O_RDONLY | O_DIRECTORY);
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (ret_name != NULL)
			snprintf(ret_name, 256, "%s", e->d_name);
	}
	closedir(dir);
	return n;
}

/* A file's bytes; freed by the caller. */
static inline char *
read_text(const char *path, size_t *ret_n)
{
	int fd = openat(scratch_fd, path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	p = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, p, (size_t)st.st_size), st.st_size);
	p[st.st_size] = '\0';
	close(fd);
	if (ret_n != NULL)
		*ret_n = (size_t)st.st_size;
	return p;
}

static inline void
assert_file(const char *path, const char *text)
{
	char *got = read_text(path, NULL);

	assert_string_equal(got, text);
	free(got);
}

static inline void
write_text(const char *path, const char *text, mode_t mode)
{
	int fd = openat(
	    scratch_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#endif
