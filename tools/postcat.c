/* SPDX-License-Identifier: ISC */
/*
 * postcat - shows a message: of the queue by its id (-q), from qmgr, or from
 * the queue itself while no suite runs; or a file of the queue as it lies
 * there: postcat(1).
 */
#include "alone.h"
#include "inquiry.h"
#include "postcat_show.h"
#include "say.h"

#include "base/file.h"
#include "mail/maildrop.h"
#include "mail/queue/queue_file.h"
#include "mail/queue/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

struct postcat {
	struct postcat_view view;
	const char *conf_dir;
	struct conf *conf;
	bool is_queue; /* -q: ids */
	char **names;
	int n;
	struct alone alone;
	struct chan *chan;
};

static void
usage(void)
{
	say_fatal(EXIT_FAILURE,
	    "usage: postcat [-b (body text)] [-c config_dir] "
	    "[-d (decimal record type)] [-e (envelope records)] "
	    "[-h (header text)] [-q (access queue)] [-v] [file(s)...]");
}

static void
show(const struct postcat *p, const char *name, const struct envelope *e,
    const bool *done, struct content *content)
{
	size_t size = content_size(content);
	char *text = malloc(size + 1);
	struct postcat_message m = {
	    .name = name, .envelope = e, .done = done, .full_name = STR_NONE};
	ssize_t n;

	if (text == NULL)
		say_fatal(EXIT_FAILURE, "%s: out of memory", name);
	for (size_t at = 0; at < size; at += (size_t)n) {
		n = content_read(content, at, text + at, size - at);
		if (n <= 0)
			say_fatal(EXIT_FAILURE, "%s: cannot be read: %s", name,
			    strerror((int)-n));
	}
	m.content = str_n(text, size);
	postcat_show(&p->view, &m);
	free(text);
}

/* ---- from the queue ---- */

/* Where it lies, or would, if the journal did not hold it. */
static void
name_of(const struct admin_message *m, char *ret, size_t size)
{
	struct str id = m->envelope.id;
	char path[DIRS_PATH_MAX];

	if (str_eq(m->queue, STR("active"))) {
		snprintf(ret, size, "active/%.*s", STR_ARG(id));
		return;
	}
	dirs_path(str_eq(m->queue, STR("hold")) ? QUEUE_HOLD : QUEUE_DEFERRED,
	    id, path);
	snprintf(ret, size, "%s", path);
}

static void
show_answer(const struct postcat *p, struct parcel *answer)
{
	const struct admin_message *m = answer->value;
	const struct admin_mark *marks = m->marks.p;
	struct content *content = NULL;
	bool *done = calloc(m->marks.n + 1, sizeof(*done));
	char name[DIRS_PATH_MAX];
	int r = content_receive(&m->content, answer, &content);

	if (done == NULL || m->marks.n != m->envelope.recipients.n)
		r = -EPROTO;
	if (r < 0)
		say_fatal(EXIT_FAILURE, "the message cannot be read: %s",
		    strerror(-r));
	for (size_t i = 0; i < m->marks.n; i++)
		done[i] = marks[i].done;
	name_of(m, name, sizeof(name));
	show(p, name, &m->envelope, done, content);
	content_unref(&content);
	free(done);
}

static void
need_queue(struct postcat *p, const char *id)
{
	int r;

	if (p->chan != NULL)
		return;
	r = alone_open(&p->alone, p->conf, &p->chan);
	if (r < 0)
		say_fatal(
		    EXIT_FAILURE, "open queue file %s: %s", id, strerror(-r));
}

static bool show_drop(const struct postcat *p, const char *id);

static void
show_id(struct postcat *p, const char *id)
{
	BUF_CLEANUP struct buf why = {0};
	struct admin_show ask = {.id = str_c(id)};
	struct parcel answer;
	int r;

	if (!dirs_is_id(ask.id))
		say_fatal(EXIT_FAILURE, "bad mail queue ID: %s", id);
	need_queue(p, id);
	buf_init(&why, 4096);
	r = inquiry_call(
	    p->chan, ADMIN_SHOW, &ask, ADMIN_MESSAGE, &answer, &why);
	if (r == -ENOENT && show_drop(p, id))
		return;
	if (r == -ENOENT || r == -EPERM)
		say_fatal(EXIT_FAILURE, "open queue file %s: %s", id,
		    strerror(r == -EPERM ? EACCES : ENOENT));
	if (r < 0)
		say_fatal(EXIT_FAILURE, "open queue file %s: %s", id, why.p);
	show_answer(p, &answer);
	parcel_done(&answer);
}

/* ---- files ---- */

static int
show_queue_file(const struct postcat *p, const char *name, int fd)
{
	ARENA_CLEANUP struct arena a = {0};
	struct content *content = NULL;
	struct progress progress;
	struct queue_file file;
	struct envelope e;
	const char *why;
	bool *done;
	int r;

	arena_init(&a, 0);
	r = queue_file_read(fd, &a, &file, &e, &progress, &why);
	if (r == 0)
		r = queue_file_content(fd, &file, &content);
	if (r < 0)
		return r;
	done = calloc(progress.n + 1, sizeof(*done));
	if (done == NULL)
		say_fatal(EXIT_FAILURE, "%s: out of memory", name);
	for (size_t i = 0; i < progress.n; i++)
		done[i] = progress.marks[i].done;
	show(p, name, &e, done, content);
	content_unref(&content);
	free(done);
	return 0;
}

/* What sendmail(1) left: `path` names it. */
static int
show_drop_file(const struct postcat *p, const char *name, const char *path)
{
	struct maildrop_file f;
	struct postcat_message m = {.name = name, .done = NULL};
	struct envelope e;
	struct stat st;
	const char *why;
	ssize_t n = 0;
	size_t size;
	char *text;
	int r = maildrop_open(AT_FDCWD, path, &f, &why);

	if (r < 0)
		return r;
	size = (size_t)f.message.content.size;
	text = malloc(size + 1);
	if (text == NULL || fstat(f.fd, &st) < 0)
		say_fatal(EXIT_FAILURE, "%s: out of memory", name);
	n = maildrop_read(&f, 0, text, size);
	e = (struct envelope){
	    .id = str_c(basename(path)),
	    .sender = f.message.sender,
	    .arrival = st.st_mtim.tv_sec * CLOCK_SEC,
	    .size = size,
	    .client = STR("local"),
	    .envid = f.message.envid,
	    .ret = f.message.ret,
	    .body_8bit = f.message.body_8bit,
	    .recipients = f.message.recipients,
	};
	m.envelope = &e;
	m.full_name = f.message.full_name;
	m.content = str_n(text, n < 0 ? 0 : (size_t)n);
	if (n == (ssize_t)size)
		postcat_show(&p->view, &m);
	free(text);
	maildrop_close(&f);
	return n == (ssize_t)size ? 0 : -EIO;
}

static bool
show_drop(const struct postcat *p, const char *id)
{
	struct str queue = conf_str(p->conf, PARAM_queue_directory);
	char name[64 + DIRS_PATH_MAX], *path;
	bool is_there;

	snprintf(name, sizeof(name), "maildrop/%s", id);
	if (asprintf(&path, "%.*s/%s", STR_ARG(queue), name) < 0)
		say_fatal(EXIT_FAILURE, "out of memory");
	is_there = show_drop_file(p, name, path) == 0;
	free(path);
	return is_there;
}

static void
show_file(const struct postcat *p, const char *path)
{
	FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : show_queue_file(p, path, fd);

	if (fd < 0)
		say_fatal(EXIT_FAILURE, "open %s: %s", path, strerror(errno));
	if (r < 0 && r != -EPROTONOSUPPORT)
		r = show_drop_file(p, path, path);
	if (r < 0)
		say_warning("%s: input is not a valid queue file", path);
}

/* Into memory: a queue file is read at offsets.  Nothing there is no error. */
static void
show_input(const struct postcat *p)
{
	FD_CLEANUP int fd = memfd_create("stdin", MFD_CLOEXEC);
	char *block = malloc(BLOCK);
	bool is_empty = true;
	ssize_t n;
	int r = fd < 0 || block == NULL ? -ENOMEM : 0;

	while (r == 0 && (n = read(STDIN_FILENO, block, BLOCK)) != 0) {
		r = n < 0 ? -errno : fd_write_all(fd, block, (size_t)n);
		is_empty = false;
	}
	free(block);
	if (r < 0)
		say_fatal(EXIT_FAILURE, "stdin: %s", strerror(-r));
	if (!is_empty && show_queue_file(p, "stdin", fd) < 0)
		say_warning("stdin: input is not a valid queue file");
}

/* ---- the command ---- */

static void
run(void *arg)
{
	struct postcat *p = arg;

	if (p->n == 0)
		show_input(p);
	for (int i = 0; i < p->n; i++)
		if (p->is_queue)
			show_id(p, p->names[i]);
		else
			show_file(p, p->names[i]);
	alone_end(&p->alone, &p->chan);
}

static void
read_options(struct postcat *p, int argc, char **argv)
{
	struct postcat_view *v = &p->view;
	int option;

	while ((option = getopt(argc, argv, "bc:dehoqrs:v")) != -1) {
		if (option == 'b')
			v->has_body = true;
		else if (option == 'c')
			p->conf_dir = optarg;
		else if (option == 'd')
			v->has_types = true;
		else if (option == 'e')
			v->has_envelope = true;
		else if (option == 'h')
			v->has_header = true;
		else if (option == 'o')
			v->has_offsets = true;
		else if (option == 'q')
			p->is_queue = true;
		else if (option == 'v')
			v->is_verbose = true;
		else if (option == 's' &&
			 str_parse_u64(str_c(optarg), INT64_MAX, &v->from) < 0)
			say_fatal(EXIT_FAILURE, "bad offset: %s", optarg);
		else if (option != 'r' && option != 's')
			usage();
	}
	if (!v->has_envelope && !v->has_header && !v->has_body)
		v->has_envelope = v->has_header = v->has_body = true;
	p->names = argv + optind;
	p->n = argc - optind;
}

int
main(int argc, char **argv)
{
	static struct postcat p = {.view.out = NULL};

	say_init("postcat");
	p.view.out = stdout;
	read_options(&p, argc, argv);
	p.conf = say_conf(p.conf_dir, EXIT_FAILURE);
	inquiry_run(run, &p);
	conf_free(&p.conf);
	if (fflush(stdout) == EOF || ferror(stdout))
		say_fatal(EXIT_FAILURE, "standard output: %s", strerror(errno));
	return EXIT_SUCCESS;
}
