/* SPDX-License-Identifier: ISC */
/* log_source - files are opened once and read from their front each time. */
#include "log_source.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK     (64 * 1024)
#define FILES_MAX 1000

struct input {
	char *path;
	int fd;
	struct timespec changed;
};

struct log_source {
	struct input *inputs;
	size_t n;
};

struct log_source *
log_source_new(void)
{
	struct log_source *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->inputs = calloc(FILES_MAX, sizeof(*s->inputs));
	if (s == NULL || s->inputs == NULL)
		log_fatal("out of memory");
	return s;
}

void
log_source_free(struct log_source **sp)
{
	struct log_source *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->inputs[i].path);
		fd_close(&s->inputs[i].fd);
	}
	free(s->inputs);
	free(s);
}

/* Takes the descriptor. */
static int
add(struct log_source *s, const char *path, int fd)
{
	struct input *in = &s->inputs[s->n];
	struct stat st;

	if (s->n == FILES_MAX || fstat(fd, &st) < 0) {
		close(fd);
		return s->n == FILES_MAX ? -EMFILE : -errno;
	}
	*in = (struct input){
	    .path = strdup(path), .fd = fd, .changed = st.st_mtim};
	if (in->path == NULL)
		log_fatal("out of memory");
	s->n++;
	return 0;
}

/* What can be read only once, in a file without a name: 0 or -errno. */
static int
keep(int from, int *ret_fd)
{
	const char *dir = getenv("TMPDIR");
	static char block[BLOCK];
	ssize_t n;
	int r = 0;
	FD_CLEANUP int fd = open(
	    dir != NULL ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (r == 0 && (n = read(from, block, sizeof(block))) != 0) {
		if (n > 0)
			r = fd_write_all(fd, block, (size_t)n);
		else if (errno != EINTR)
			r = -errno;
	}
	if (r < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
log_source_add(struct log_source *s, const char *path)
{
	bool is_input = strcmp(path, "-") == 0;
	int fd =
	    is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	int kept, r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	if (S_ISREG(st.st_mode))
		return add(s, path, fd);
	r = S_ISDIR(st.st_mode) ? -EISDIR : keep(fd, &kept);
	close(fd);
	return r < 0 ? r : add(s, path, kept);
}

/* Behind the log's name: ".1", ".2.gz", "-20261124", "-20261124.gz". */
static bool
is_rotated(struct str rest)
{
	if (rest.len < 2 || (rest.p[0] != '.' && rest.p[0] != '-') ||
	    !str_is_digit_char(rest.p[1]))
		return false;
	if (str_has_suffix(rest, STR(".gz")))
		rest.len -= sizeof(".gz") - 1;
	for (size_t i = 1; i < rest.len; i++)
		if (!str_is_digit_char(rest.p[i]) && rest.p[i] != '-')
			return false;
	return true;
}

static int
by_time(const void *x, const void *y)
{
	const struct input *a = x, *b = y;

	if (a->changed.tv_sec != b->changed.tv_sec)
		return a->changed.tv_sec < b->changed.tv_sec ? -1 : 1;
	return (a->changed.tv_nsec > b->changed.tv_nsec) -
	       (a->changed.tv_nsec < b->changed.tv_nsec);
}

static void
add_old(struct log_source *s, DIR *dir, struct str folder, struct str name,
    void (*warn)(const char *path, int error))
{
	struct dirent *e;
	char *path;
	int r;

	while ((e = readdir(dir)) != NULL) {
		if (!str_has_prefix(str_c(e->d_name), name) ||
		    !is_rotated(str_from(str_c(e->d_name), name.len)))
			continue;
		if (asprintf(&path, "%.*s%s", STR_ARG(folder), e->d_name) < 0)
			log_fatal("out of memory");
		r = log_source_add(s, path);
		if (r < 0 && r != -ENOENT)
			warn(path, r);
		free(path);
	}
}

int
log_source_add_rotated(struct log_source *s, const char *path,
    void (*warn)(const char *path, int error))
{
	size_t first = s->n, slash;
	struct str folder;
	char *name;
	DIR *dir;
	int r;

	slash = (size_t)(str_find_last(str_c(path), '/') + 1);
	folder = str_sub(str_c(path), 0, slash);
	name = strndup(folder.p, folder.len);
	if (name == NULL)
		log_fatal("out of memory");
	dir = opendir(folder.len > 0 ? name : ".");
	free(name);
	/* One that may be passed and not read still has a log. */
	if (dir != NULL) {
		add_old(s, dir, folder, str_from(str_c(path), slash), warn);
		closedir(dir);
	}
	qsort(s->inputs + first, s->n - first, sizeof(*s->inputs), by_time);
	r = log_source_add(s, path);
	/* Just rotated away: the next line makes it anew. */
	if (r == -ENOENT && s->n > first)
		r = 0;
	return r < 0 ? r : (int)(s->n - first);
}

static _Noreturn void
become_journalctl(int out)
{
	static const char *const argv[] = {"journalctl", "--quiet",
	    "--no-pager", "--output=short-iso", "SYSLOG_FACILITY=2", NULL};

	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* The exit code of what was started, or -errno. */
static int
end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

int
log_source_add_journal(struct log_source *s)
{
	int ends[2], kept = -1, r, code;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become_journalctl(ends[1]);
	close(ends[1]);
	r = pid < 0 ? -errno : keep(ends[0], &kept);
	close(ends[0]);
	code = pid < 0 ? r : end_of(pid);
	if (r == 0 && code == 127)
		r = -ENOENT;
	else if (r == 0 && code != 0)
		r = -EIO;
	if (r < 0) {
		fd_close(&kept);
		return r;
	}
	return add(s, "journal", kept);
}

/* ---- reading ---- */

struct reading {
	void (*each)(void *arg, struct str line);
	void *arg;
	struct buf line; /* begun in an earlier block */
};

static void
take_block(struct reading *r, struct str block)
{
	struct str part;

	while (str_has_char(block, '\n')) {
		str_cut(block, '\n', &part, &block);
		if (r->line.len == 0) {
			r->each(r->arg, str_sub(part, 0, LOG_SOURCE_LINE));
			continue;
		}
		buf_add_str(
		    &r->line, str_sub(part, 0, r->line.max - r->line.len));
		r->each(r->arg, buf_str(&r->line));
		buf_reset(&r->line);
	}
	buf_add_str(&r->line, str_sub(block, 0, r->line.max - r->line.len));
}

/* zlib passes on what is not compressed as it is. */
static int
read_input(const struct input *in, struct reading *r)
{
	static char block[BLOCK];
	int fd = dup(in->fd), n, error = 0;
	gzFile file;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		error = -errno;
		fd_close(&fd);
		return error;
	}
	file = gzdopen(fd, "rb");
	if (file == NULL)
		log_fatal("out of memory");
	while ((n = gzread(file, block, sizeof(block))) > 0)
		take_block(r, str_n(block, (size_t)n));
	if (n < 0) {
		gzerror(file, &n);
		error = n == Z_ERRNO ? -errno : -EBADMSG;
	}
	n = gzclose(file);
	/* A file that ends too early. */
	if (error == 0 && n == Z_BUF_ERROR)
		error = -EBADMSG;
	if (r->line.len > 0)
		r->each(r->arg, buf_str(&r->line));
	buf_reset(&r->line);
	return error;
}

int
log_source_each(struct log_source *s, void (*each)(void *arg, struct str line),
    void *arg, const char **ret_path)
{
	struct reading r = {.each = each, .arg = arg};
	int error = 0;

	buf_init(&r.line, LOG_SOURCE_LINE);
	for (size_t i = 0; i < s->n; i++) {
		int e = read_input(&s->inputs[i], &r);

		if (e == 0 || error < 0)
			continue;
		error = e;
		*ret_path = s->inputs[i].path;
	}
	buf_done(&r.line);
	return error;
}
