/* SPDX-License-Identifier: ISC */
/*
 * fill_queue - a queue full of deferred messages, written by the library that
 * qmgr writes it with: for tests of what a large queue costs.
 *
 *	fill_queue DIRECTORY COUNT [DUE [SIZE [DOMAINS]]]
 *
 * Messages of SIZE bytes to users of d0.test ... were attempted three times
 * and are due from now on, evenly within DUE seconds (0: all at once).  The
 * files are not flushed one by one but together at the end.
 */
#include "base/clock.h"
#include "base/log.h"
#include "mail/qid.h"
#include "mail/queue/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL (64 * 1024 * 1024)
#define AGE     (3600 * CLOCK_SEC)

struct fill {
	int dirfd;
	struct qid_maker ids;
	struct content *content;
	int64_t now, due;
	size_t count, domains;
};

static void
die(const char *what, int error)
{
	fprintf(stderr, "fill_queue: %s: %s\n", what, strerror(error));
	exit(1);
}

static struct store_item *
find_nothing(void *arg, struct str id)
{
	(void)arg;
	(void)id;
	die("the queue is not empty", EEXIST);
	return NULL;
}

/* The queue's directories, and a generation of ids that is ours. */
static void
open_queue(struct fill *f)
{
	struct store_config config = {
	    .dirfd = f->dirfd,
	    .disk = &disk_real,
	    .segment_size = SEGMENT_SIZE,
	    .journal_size = JOURNAL,
	    .keep = 1,
	};
	struct store_events events = {0};
	struct buf why;
	struct store *s;
	uint64_t generation;

	buf_init(&why, 4096);
	s = store_open(&config, &events, find_nothing, &why);
	if (s == NULL || store_generation(s, &generation) < 0) {
		fprintf(stderr, "fill_queue: %s\n", why.p);
		exit(1);
	}
	store_close(&s);
	buf_done(&why);
	qid_init(&f->ids, generation);
}

static struct content *
make_content(size_t size)
{
	struct content_builder *b = content_builder_new(size);
	char line[72];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t n = 0; n < size; n += sizeof(line))
		content_append(
		    b, str_n(line,
			   size - n < sizeof(line) ? size - n : sizeof(line)));
	return content_finish(&b);
}

static void
write_one(struct fill *f, size_t i)
{
	ARENA_CLEANUP struct arena a = {0};
	char id[QID_LEN + 1], address[64], path[DIRS_PATH_MAX];
	struct recipient to = {0};
	struct mark mark = {
	    .outcome = {
		.state = OUTCOME_DEFERRED,
		.dsn = STR("4.4.1"),
		.text = STR("connect to mx.d.test[192.0.2.1]:25: Connection "
			    "timed out"),
		.relay = STR("none"),
	    }};
	struct entry_marks about = {.marks = {&mark, 1}};
	struct queue_file_draft draft;
	struct progress progress;
	struct envelope e = {
	    .sender = STR("sender@here.test"),
	    .arrival = f->now - AGE,
	    .size = content_size(f->content),
	    .client = STR("client.test[192.0.2.9]"),
	    .helo = STR("client.test"),
	    .proto = STR("ESMTP"),
	    .hops = 1,
	    .recipients = {&to, 1},
	};
	int r;

	arena_init(&a, 1024 * 1024);
	qid_next(&f->ids, id);
	e.id = str_c(id);
	snprintf(
	    address, sizeof(address), "user%zu@d%zu.test", i, i % f->domains);
	to.address = str_c(address);
	progress_init(&progress, 1, &a);
	progress_apply(&progress, 3,
	    f->now + f->due / (int64_t)f->count * (int64_t)i, &about);
	r = queue_file_draft(&e, &progress, &draft);
	dirs_path(QUEUE_DEFERRED, e.id, path);
	if (r == 0)
		r = queue_file_write(
		    &disk_real, f->dirfd, path, &draft, f->content, false);
	queue_file_draft_done(&draft);
	if (r < 0)
		die(path, -r);
}

static size_t
number(char **argv, int argc, int i, size_t otherwise)
{
	return i < argc ? (size_t)strtoull(argv[i], NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	struct fill f = {.now = clock_wall()};

	log_init("fill_queue");
	if (argc < 3) {
		fputs("usage: fill_queue DIRECTORY COUNT [DUE [SIZE "
		      "[DOMAINS]]]\n",
		    stderr);
		return 2;
	}
	umask(077);
	f.count = number(argv, argc, 2, 1);
	f.due = (int64_t)number(argv, argc, 3, 0) * CLOCK_SEC;
	f.content = make_content(number(argv, argc, 4, 1024));
	f.domains = number(argv, argc, 5, 1000);
	f.dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f.dirfd < 0)
		die(argv[1], errno);
	open_queue(&f);
	for (size_t i = 0; i < f.count; i++)
		write_one(&f, i);
	content_unref(&f.content);
	if (syncfs(f.dirfd) < 0)
		die("sync", errno);
	return 0;
}
