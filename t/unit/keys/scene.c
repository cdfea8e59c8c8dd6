/* SPDX-License-Identifier: ISC */
/* scene - its folder, its configuration, its clients. */
#include "scene.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene scene;

static char dir[] = "/var/tmp/valija-keys-XXXXXX";

char *
path_of(const char *name)
{
	static char paths[8][200];
	static unsigned at;
	char *p = paths[at++ % 8];

	snprintf(p, 200, "%s/%s", dir, name);
	return p;
}

static void
write_text(const char *name, const struct buf *text)
{
	int fd =
	    open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text->p, text->len), 0);
	close(fd);
}

void
write_chain(const char *name, EVP_PKEY *key, EVP_PKEY *of, long to)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, 100000);
	made_key(key, &b);
	made_cert(of, name, -MADE_DAY, to, &b);
	write_text(name, &b);
}

void
load(void)
{
	struct services_from from = {
	    .env = &dict_env_tool,
	    .own_fd = -1,
	    .wall = MADE_NOW,
	    .mono = clock_mono(),
	};
	struct keys_config c = {
	    .hostname = STR("mx.here.test"), .services = {scene.rows, 3}};

	talks_load(&scene.talks, &c, &from);
}

void
let_run(void)
{
	for (int i = 0; i < 10; i++)
		task_yield();
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct client *cl = arg;

	(void)c;
	assert_int_equal(p->kind, KEYS_HELD);
	assert_int_equal(p->exchange, 0);
	shape_copy(&keys_held_shape, p->value, &cl->arena, &cl->held);
	cl->told++;
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	(void)c;
	assert_string_equal(why, "");
	((struct client *)arg)->is_closed = true;
}

void
client_open(struct client *cl, const char *name)
{
	static const struct chan_events events = {on_parcel, on_close};
	int fds[2];

	*cl = (struct client){0};
	arena_init(&cl->arena, 10000000);
	assert_int_equal(chan_pair(fds), 0);
	cl->chan = chan_new(fds[1], &keys_protocol, &events, cl);
	talks_linked(&scene.talks, str_c(name), fds[0]);
}

void
client_close(struct client *cl)
{
	chan_close(&cl->chan);
	arena_done(&cl->arena);
}

void
call(struct client *cl, enum keys_kind kind, const void *value,
    enum keys_kind answer, struct parcel *ret)
{
	assert_int_equal(chan_call(cl->chan, kind, value, NULL, 0, ret,
			     clock_after(10 * CLOCK_SEC)),
	    0);
	assert_int_equal(ret->kind, answer);
}

void
join(struct client *cl, const char *name, const char *binding)
{
	struct keys_join q = {.binding = str_c(binding)};
	struct parcel p;

	client_open(cl, name);
	call(cl, KEYS_JOIN, &q, KEYS_HELD, &p);
	shape_copy(&keys_held_shape, p.value, &cl->arena, &cl->held);
	parcel_done(&p);
}

struct keys_chain
chain_at(const struct client *cl, size_t i)
{
	assert_true(i < cl->held.chains.n);
	return ((const struct keys_chain *)cl->held.chains.p)[i];
}

enum keys_verdict
ask_signature(struct client *cl, struct str id, uint64_t scheme,
    struct str message, EVP_PKEY *key)
{
	struct keys_sign q = {.key = id, .scheme = scheme, .message = message};
	const struct keys_signed *s;
	enum keys_verdict verdict;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc;
	struct parcel p;

	call(cl, KEYS_SIGN, &q, KEYS_SIGNED, &p);
	s = p.value;
	verdict = (enum keys_verdict)s->verdict;
	assert_int_equal(verdict == KEYS_OK, s->signature.len > 0);
	if (verdict == KEYS_OK) {
		assert_int_equal(
		    EVP_DigestVerifyInit(c, &pc, EVP_sha256(), NULL, key), 1);
		if (scheme == 0x0804)
			EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING);
		assert_int_equal(
		    EVP_DigestVerify(c, (const unsigned char *)s->signature.p,
			s->signature.len, (const unsigned char *)message.p,
			message.len),
		    1);
	}
	EVP_MD_CTX_free(c);
	parcel_done(&p);
	return verdict;
}

enum keys_verdict
sign(struct client *cl, struct str id, EVP_PKEY *key)
{
	BUF_CLEANUP struct buf m = {0};

	buf_init(&m, 1000);
	made_message("server", 32, &m);
	return ask_signature(cl, id, 0x0403, buf_str(&m), key);
}

static struct rows
source_of(const char *file, struct keys_source *source, struct keys_file *f)
{
	f->path = str_c(strdup(path_of(file)));
	source->files = (struct rows){f, 1};
	return (struct rows){source, 1};
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static void
run(void *arg)
{
	void (*const *fn)(void) = arg;

	load();
	(*fn)();
	let_run();
	assert_null(LIST_FIRST(&scene.talks.open));
	loop_stop();
}

void
scene_test(void (*fn)(void))
{
	struct keys_source sources[2] = {0};
	struct keys_file files[2];

	assert_non_null(mkdtemp(dir));
	scene.one = EVP_EC_gen("P-256");
	scene.two = EVP_EC_gen("P-256");
	scene.rsa = EVP_RSA_gen(2048);
	write_chain("a", scene.one, scene.one, MADE_DAY);
	write_chain("b", scene.two, scene.two, MADE_DAY);
	scene.rows[0] = (struct keys_service){
	    .client = STR("smtpd/smtp"),
	    .sources = source_of("a", &sources[0], &files[0]),
	    .ticket_life = HOUR,
	};
	scene.rows[1] = (struct keys_service){
	    .client = STR("smtpd/submission"),
	    .sources = source_of("b", &sources[1], &files[1]),
	    .ticket_life = HOUR,
	};
	scene.rows[2] = (struct keys_service){
	    .client = STR("smtp/smtp"), .role = KEYS_CLIENT};
	assert_int_equal(loop_init(), 0);
	talks_init(&scene.talks);
	task_start(run, &fn);
	loop_run();
	services_done(&scene.talks.services);
	EVP_PKEY_free(scene.one);
	EVP_PKEY_free(scene.two);
	EVP_PKEY_free(scene.rsa);
	for (int i = 0; i < 2; i++)
		free((void *)(uintptr_t)files[i].path.p);
}

int
scene_remove(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
