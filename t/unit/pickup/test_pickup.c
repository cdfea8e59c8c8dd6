/* SPDX-License-Identifier: ISC */
/*
 * pickup whole but for its main(): its socket and its maildrop/ in a folder
 * of this test, qmgr and lookup played.
 */
#include "mail/conf_help.h"

#include "base/file.h"
#include "base/log.h"
#include "dict/env.h"
#include "door.h"
#include "drop.h"
#include "fake_qmgr.h"
#include "guests.h"
#include "mail/maildrop.h"
#include "mail/proto/lookup.h"
#include "net/unix.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct serve {
	int unused;
};

static void
on_question(struct chan *c, struct parcel *p, void *arg)
{
	struct lookup_answer a = {
	    .find = FIND_YES,
	    .name = STR("joe"),
	    .uid = geteuid(),
	    .home = STR("/"),
	    .shell = STR("/"),
	    .gecos = STR("&'s Name, Room 1"),
	    .text = STR_NONE,
	};

	(void)arg;
	chan_send(c, LOOKUP_ANSWER, p->exchange, &a, NULL, 0);
}

static struct chan *lookup_chan;

/* In the place of lib/base/serve.c. */
int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	static const struct chan_events events = {.on_parcel = on_question};
	int fds[2];

	(void)sv;
	(void)deadline;
	if (strcmp(service, "qmgr") == 0)
		return fake_qmgr_link();
	assert_string_equal(service, "lookup");
	assert_int_equal(chan_pair(fds), 0);
	lookup_chan = chan_new(fds[0], &lookup_protocol, &events, NULL);
	return fds[1];
}

struct str
serve_service(const struct serve *sv)
{
	(void)sv;
	return STR("pickup");
}

static char path[] = "/tmp/test_pickup.XXXXXX";
static int top_fd, drop_fd;
static char drop_path[64];
static struct pickup pickup;
static struct conf *conf;
static struct fake_env env;

#define MAIN_CF                                                                \
	"alias_maps =\nvirtual_alias_domains =\nappend_dot_mydomain = no\n"    \
	"message_size_limit = 100000\nmyorigin = here.example\n"               \
	"authorized_submit_users = !nobody, static:all\n"

static void
start(struct serve *sv, struct router **ret_router)
{
	struct remarks said;
	struct buf why;

	conf = conf_of(MAIN_CF, &said);
	assert_string_equal(said.text, "");
	fake_init(&env);
	buf_init(&why, 1000);
	pickup.conf = conf;
	pickup.lookup = link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	*ret_router = router_new(conf, &env.env, &why);
	pickup.taker = taker_new(sv, conf, *ret_router, &env.env, &why);
	pickup.allowed = match_open(&env.env,
	    conf_str(conf, PARAM_authorized_submit_users), false, &why);
	assert_string_equal(why.p, "");
	buf_done(&why);
}

/* What sendmail(1) does. */
static struct submit_done
submit(struct chan *c, const char *to, struct str text, struct arena *a)
{
	struct recipient r = {str_c(to), str_c(to), STR_NONE, 0, {NULL, 0}};
	struct submit_message m = {
	    .sender = STR_NONE,
	    .full_name = STR_NONE,
	    .envid = STR_NONE,
	    .recipients = {&r, 1},
	};
	struct content *content = content_from_str(text);
	struct submit_done done = {99, STR_NONE, STR_NONE};
	struct parcel answer;
	const int *fds;
	size_t nfds;

	content_wire_of(content, &m.content, &fds, &nfds);
	if (chan_call(c, SUBMIT_MESSAGE, &m, fds, nfds, &answer,
		clock_after(10 * CLOCK_SEC)) == 0) {
		const struct submit_done *d = answer.value;

		done = (struct submit_done){
		    d->exit_code, arena_str(a, d->id), arena_str(a, d->text)};
		parcel_done(&answer);
	}
	content_unref(&content);
	return done;
}

static void
leave(const char *to, struct str text)
{
	struct recipient r = {str_c(to), str_c(to), STR_NONE, 0, {NULL, 0}};
	struct submit_message m = {
	    .sender = STR("joe"),
	    .full_name = STR_NONE,
	    .envid = STR_NONE,
	    .recipients = {&r, 1},
	};
	struct content *c = content_from_str(text);

	assert_int_equal(maildrop_put(drop_path, &m, c), 0);
	content_unref(&c);
}

static size_t
count_left(void)
{
	struct stat st;

	assert_int_equal(fstat(drop_fd, &st), 0);
	return (size_t)st.st_nlink; /* folders; files are counted by messages */
}

static bool
is_there(const char *name)
{
	return faccessat(drop_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
wait_for(size_t messages)
{
	for (int i = 0; i < 500 && qmgr.messages < messages; i++)
		task_sleep(clock_after(10 * CLOCK_MS));
	assert_int_equal(qmgr.messages, messages);
}

static struct str
content_text(void)
{
	struct str s;

	assert_int_equal(content_view(qmgr.content, 0, &s), 0);
	return s;
}

static void
check_socket(struct arena *a)
{
	int fd = unix_connect(top_fd, "pickup", SOCK_SEQPACKET);
	struct chan *c;
	struct submit_done d;
	char *big = malloc(200000);

	assert_true(fd >= 0);
	c = chan_new(fd, &submit_protocol, NULL, NULL);
	d = submit(c, "ann", STR("Subject: x\n\nbody\n"), a);
	assert_int_equal(d.exit_code, EX_OK);
	assert_int_equal(d.id.len, QID_LEN);
	assert_string_equal(qmgr.seen.p,
	    "from=joe@here.example client=local proto= hops=1 8bit=0 "
	    "to=ann@here.example(ann)");
	assert_true(str_find_str(content_text(),
			STR("\nFrom: Joe's Name <joe@here.example>\n")) > 0);
	assert_true(str_find_str(content_text(), STR(", from userid ")) > 0);
	/* More than one in a conversation; and what cannot be taken. */
	d = submit(c, "a@b@c.example", STR("x\n"), a);
	assert_int_equal(d.exit_code, EX_OK); /* internal form: quoted */
	d = submit(c, "a@-", STR("x\n"), a);
	assert_int_equal(d.exit_code, EX_DATAERR);
	memset(big, 'x', 200000);
	big[0] = '\n';
	d = submit(c, "ann", str_n(big, 200000), a);
	assert_int_equal(d.exit_code, EX_DATAERR);
	assert_str(d.text, "5.3.4 message file too big");
	qmgr.how = RETRY;
	d = submit(c, "ann", STR("x\n"), a);
	assert_int_equal(d.exit_code, EX_TEMPFAIL);
	qmgr.how = ANSWER;
	chan_close(&c);
	free(big);
}

/* A peer that breaks the rules ends his own conversation. */
static void
check_rubbish(struct arena *a)
{
	int fd = unix_connect(top_fd, "pickup", SOCK_SEQPACKET), fds[40];
	struct chan *c;
	int ended = 0;

	assert_true(fd >= 0);
	assert_int_equal(send(fd, "rubbish", 7, 0), 7);
	task_sleep(clock_after(50 * CLOCK_MS));
	close(fd);
	/* No more than his share at a time. */
	for (int i = 0; i < 40; i++)
		fds[i] = unix_connect(top_fd, "pickup", SOCK_SEQPACKET);
	task_sleep(clock_after(50 * CLOCK_MS));
	for (int i = 0; i < 40; i++) {
		char hello[1000];

		ended += recv(fds[i], hello, sizeof(hello), MSG_DONTWAIT) == 0;
		close(fds[i]);
	}
	assert_int_equal(ended, 40 - GUESTS_MAX_A_UID);
	task_sleep(clock_after(50 * CLOCK_MS));
	c = chan_new(unix_connect(top_fd, "pickup", SOCK_SEQPACKET),
	    &submit_protocol, NULL, NULL);
	assert_int_equal(submit(c, "ann", STR("x\n"), a).exit_code, EX_OK);
	chan_close(&c);
}

static void
check_maildrop(void)
{
	char *big = malloc(200000);
	size_t before = qmgr.messages;
	int fd;

	memset(big, 'x', 200000);
	big[0] = '\n';
	leave("bob", STR("Subject: dropped\n\nbody"));
	leave("bob", str_n(big, 200000));
	fd = openat(drop_fd, "junk", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, big, 5000), 5000);
	close(fd);
	assert_int_equal(symlinkat("junk", drop_fd, "link"), 0);
	assert_int_equal(mkfifoat(drop_fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(drop_fd, "dir", 0700), 0);
	drop_open(&pickup, drop_fd);
	/* One goes on, one goes back. */
	wait_for(before + 2);
	task_sleep(clock_after(50 * CLOCK_MS));
	assert_false(is_there("junk") || is_there("link"));
	assert_false(is_there("fifo") || is_there("dir"));
	assert_int_equal(count_left(), 2);
	free(big);
}

static void
check_returned(void)
{
	char *big = malloc(200000);
	size_t before = qmgr.messages;
	struct str text;

	memset(big, 'x', 200000);
	big[0] = '\n';
	leave("bob", str_n(big, 200000));
	wait_for(before + 1);
	assert_string_equal(qmgr.seen.p,
	    "from= client=local proto= hops=1 8bit=1 "
	    "to=joe@here.example(joe)");
	text = content_text();
	assert_true(str_find_str(text, STR("\nTo: joe\n")) > 0);
	assert_true(str_find_str(
			text, STR("\nStatus: 5.3.4\n"
				  "Diagnostic-Code: X-Valija; message file too "
				  "big\n")) > 0);
	assert_true(content_size(qmgr.content) < 60000);
	free(big);
}

static void
done(void *arg)
{
	++*(int *)arg;
}

static void
run_in_task(void *arg)
{
	struct router *router;
	struct arena a;
	int fd = unix_listen(top_fd, "pickup", SOCK_SEQPACKET, 0666);
	int idle = 0;

	assert_true(fd >= 0);
	arena_init(&a, 1 << 20);
	start(arg, &router);
	assert_int_equal(door_open(&pickup, fd), 0);
	check_socket(&a);
	check_rubbish(&a);
	check_maildrop();
	check_returned();
	door_close(done, &idle);
	drop_close(done, &idle);
	for (int i = 0; i < 500 && idle < 2; i++)
		task_sleep(clock_after(10 * CLOCK_MS));
	assert_int_equal(idle, 2);
	taker_free(&pickup.taker);
	link_free(&pickup.lookup);
	chan_close(&lookup_chan);
	chan_close(&qmgr.chan);
	match_free(&pickup.allowed);
	router_free(&router);
	arena_done(&a);
	close(fd);
}

static void
test_pickup(void **state)
{
	struct serve sv;

	(void)state;
	assert_non_null(mkdtemp(path));
	top_fd = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(drop_path, sizeof(drop_path), "%s/maildrop", path);
	assert_int_equal(mkdir(drop_path, 0700), 0);
	drop_fd = open(drop_path, O_RDONLY | O_DIRECTORY);
	fake_qmgr_init();
	assert_int_equal(loop_init(), 0);
	task_start(run_in_task, &sv);
	loop_run();
	fake_qmgr_done();
	conf_free(&conf);
	unlinkat(top_fd, "pickup", 0);
	assert_int_equal(rmdir(drop_path), 0);
	assert_int_equal(rmdir(path), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pickup),
};
TAP_RUN(tests)
