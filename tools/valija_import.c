/* SPDX-License-Identifier: ISC */
/*
 * valija_import - `import`: exported messages into the queue.
 *
 *	valija import [-f] [-r] file...
 *
 * A file is read whole and checked; qmgr takes the message onto stable
 * storage; only then it is noted in the file, or the file removed.
 */
#include "valija.h"

#include "alone.h"
#include "bar.h"
#include "export_file.h"
#include "inquiry.h"
#include "plain.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct import {
	const struct conf *conf;
	char **paths;
	int n;
	bool is_forced;  /* -f: also what was imported before */
	bool is_removed; /* -r: the file, afterwards */
	struct chan *chan;
	struct bar bar;
	int code; /* exit code: the first that is not EX_OK */
};

static void
fail(struct import *x, int code, const char *path, const char *text)
{
	bar_clear(&x->bar);
	fprintf(
	    stderr, "valija: error: %s%s", path, path[0] != '\0' ? ": " : "");
	plain_print(stderr, str_c(text));
	fputc('\n', stderr);
	if (x->code == EX_OK)
		x->code = code;
}

/*
 * SECURITY: a delivery that was decided already is made as a user by number.
 * Here that must be the same user.
 */
static bool
is_user_here(const struct action *a)
{
	BUF_CLEANUP struct buf name = {0};
	const struct passwd *pw;

	buf_init(&name, a->user.len);
	buf_add_str(&name, a->user);
	pw = name.len > 0 ? getpwnam(name.p) : NULL;
	return pw != NULL && pw->pw_uid == a->uid && pw->pw_gid == a->gid;
}

static bool
are_users_here(const struct envelope *e, struct buf *why)
{
	const struct recipient *r = e->recipients.p;

	for (size_t i = 0; i < e->recipients.n; i++) {
		const struct action *a = r[i].action.p;

		if (r[i].action.n == 0 || is_user_here(a))
			continue;
		buf_addf(why,
		    "a delivery to %.*s as user %.*s (%llu) was decided where "
		    "it comes from, and that user is not one here",
		    STR_ARG(r[i].address), STR_ARG(a->user),
		    (unsigned long long)a->uid);
		return false;
	}
	return true;
}

static int
exit_code(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return EX_NOPERM;
	case EPROTO:
	case EPROTONOSUPPORT:
	case EEXIST:
	case EINVAL:
	case EISDIR:
		return EX_DATAERR;
	case ENOENT:
		return EX_NOINPUT;
	case EIO:
		return EX_IOERR;
	default:
		return EX_TEMPFAIL;
	}
}

static int
give(struct import *x, const struct export_file *f, struct parcel *ret,
    struct buf *why)
{
	struct admin_take take = {.envelope = f->head.envelope};
	struct content *content = export_file_content(f);
	const int *fds;
	size_t nfds;
	int r;

	if (content == NULL) {
		r = -errno;
		buf_addf(why, "its content cannot be read: %s", strerror(-r));
		return r;
	}
	take.envelope.id = f->head.id;
	take.envelope.hold = f->head.held;
	content_wire_of(content, &take.content, &fds, &nfds);
	r = inquiry_give(
	    x->chan, ADMIN_TAKE, &take, fds, nfds, ADMIN_TAKEN, ret, why);
	content_unref(&content);
	return r;
}

/* It is in the queue: that the file says so is for the next time. */
static void
finish(struct import *x, const char *path, struct export_file *f, struct str id)
{
	printf("%s: queued as %.*s\n", path, STR_ARG(id));
	export_file_mark(f, id, conf_str(x->conf, PARAM_myhostname));
	if (x->is_removed && unlink(path) < 0)
		fail(x, EX_IOERR, path, strerror(errno));
}

static bool
is_new(const struct export_file *f, struct buf *why)
{
	struct str marks = str_trim(buf_str(&f->marks));
	struct str last =
	    str_from(marks, (size_t)(str_find_last(marks, '\n') + 1));

	if (last.len == 0)
		return true;
	if (str_has_prefix(last, STR("imported")))
		buf_addf(why, "not again: %.*s", STR_ARG(last));
	else
		buf_addf(why,
		    "an import did not come to its end, and the queue may have "
		    "taken it: see the log for orig_id=%.*s (%.*s)",
		    STR_ARG(f->head.id), STR_ARG(last));
	return false;
}

static int
import_open(
    struct import *x, const char *path, struct export_file *f, struct buf *why)
{
	const struct admin_taken *taken;
	struct parcel answer;
	int r;

	if (!x->is_forced && !is_new(f, why))
		return -EEXIST;
	if (!are_users_here(&f->head.envelope, why))
		return -EINVAL;
	r = export_file_begin(f, conf_str(x->conf, PARAM_myhostname));
	if (r < 0)
		fprintf(stderr,
		    "valija: warning: %s: that it is imported cannot be noted "
		    "in it: %s\n",
		    path, strerror(-r));
	r = give(x, f, &answer, why);
	if (r < 0) {
		/* Refused; without an answer nobody knows. */
		if (r != -EPIPE && r != -ETIMEDOUT)
			export_file_undo(f);
		return r;
	}
	taken = answer.value;
	finish(x, path, f, taken->id);
	parcel_done(&answer);
	return 0;
}

static void
import_one(struct import *x, const char *path)
{
	BUF_CLEANUP struct buf why = {0};
	struct export_file f;
	int r;

	buf_init(&why, LOG_LINE_MAX);
	r = export_file_open(AT_FDCWD, path, &f, &why);
	if (r == 0) {
		r = import_open(x, path, &f, &why);
		export_file_close(&f);
	}
	if (r < 0)
		fail(x, exit_code(r), path, why.p);
}

static void
run(void *arg)
{
	struct import *x = arg;
	struct alone alone = {0};
	int r = alone_open(&alone, x->conf, &x->chan);

	if (r < 0) {
		fail(x, EX_UNAVAILABLE, "the queue cannot be asked",
		    strerror(-r));
		return;
	}
	bar_start(&x->bar, "messages", (uint64_t)x->n);
	for (int i = 0; i < x->n; i++) {
		import_one(x, x->paths[i]);
		if (!isatty(STDOUT_FILENO)) /* else its lines show it */
			bar_show(&x->bar, (uint64_t)i + 1);
	}
	bar_end(&x->bar);
	alone_end(&alone, &x->chan);
}

static int
usage(void)
{
	fprintf(stderr, "usage: valija [-c dir] import [-f] [-r] file...\n");
	return EX_USAGE;
}

int
valija_import(struct valija *v)
{
	struct import x = {.conf = v->conf};
	int option;

	optind = 1;
	while ((option = getopt(v->argc, v->argv, "fr")) != -1) {
		if (option == 'f')
			x.is_forced = true;
		else if (option == 'r')
			x.is_removed = true;
		else
			return usage();
	}
	if (optind == v->argc)
		return usage();
	x.paths = v->argv + optind;
	x.n = v->argc - optind;
	inquiry_run(run, &x);
	if (fflush(stdout) == EOF)
		fail(&x, EX_IOERR, "standard output", strerror(errno));
	return x.code;
}
