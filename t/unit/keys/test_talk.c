/* SPDX-License-Identifier: ISC */
/* Conversations with keys: who gets what signed, and who does not. */
#include "made.h"
#include "tap.h"

#include "talk.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR 3600

static struct talks talks;
static char dir[] = "/var/tmp/valija-keys-XXXXXX";
static EVP_PKEY *one, *two, *rsa;
static struct keys_service rows[3];

static char *
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

/* A key and its certificate; `of` is whose certificate it is. */
static void
write_chain(const char *name, EVP_PKEY *key, EVP_PKEY *of, long to)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, 100000);
	made_key(key, &b);
	made_cert(of, name, -MADE_DAY, to, &b);
	write_text(name, &b);
}

static void
load(void)
{
	struct services_from from = {
	    .env = &dict_env_tool,
	    .own_fd = -1,
	    .wall = MADE_NOW,
	    .mono = clock_mono(),
	};
	struct keys_config c = {
	    .hostname = STR("mx.here.test"), .services = {rows, 3}};

	talks_load(&talks, &c, &from);
}

static void
let_run(void)
{
	for (int i = 0; i < 10; i++)
		task_yield();
}

/* ---- a client ---- */

struct client {
	struct chan *chan;
	struct keys_held held; /* the last that it was told */
	struct arena arena;
	unsigned told;
	bool is_closed;
};

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

static void
client_open(struct client *cl, const char *name)
{
	static const struct chan_events events = {on_parcel, on_close};
	int fds[2];

	*cl = (struct client){0};
	arena_init(&cl->arena, 10000000);
	assert_int_equal(chan_pair(fds), 0);
	cl->chan = chan_new(fds[1], &keys_protocol, &events, cl);
	talks_linked(&talks, str_c(name), fds[0]);
}

static void
client_close(struct client *cl)
{
	chan_close(&cl->chan);
	arena_done(&cl->arena);
}

static void
call(struct client *cl, enum keys_kind kind, const void *value,
    enum keys_kind answer, struct parcel *ret)
{
	assert_int_equal(chan_call(cl->chan, kind, value, NULL, 0, ret,
			     clock_after(10 * CLOCK_SEC)),
	    0);
	assert_int_equal(ret->kind, answer);
}

static void
join(struct client *cl, const char *name, const char *binding)
{
	struct keys_join q = {.binding = str_c(binding)};
	struct parcel p;

	client_open(cl, name);
	call(cl, KEYS_JOIN, &q, KEYS_HELD, &p);
	shape_copy(&keys_held_shape, p.value, &cl->arena, &cl->held);
	parcel_done(&p);
}

static struct keys_chain
chain_at(const struct client *cl, size_t i)
{
	assert_true(i < cl->held.chains.n);
	return ((const struct keys_chain *)cl->held.chains.p)[i];
}

static struct str
ticket_at(const struct client *cl, size_t i)
{
	assert_true(i < cl->held.tickets.n);
	return ((const struct keys_ticket *)cl->held.tickets.p)[i].secret;
}

/* The verdict; an answer that is a signature is one of `key`. */
static enum keys_verdict
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

static enum keys_verdict
sign(struct client *cl, struct str id, EVP_PKEY *key)
{
	BUF_CLEANUP struct buf m = {0};

	buf_init(&m, 1000);
	made_message("server", 32, &m);
	return ask_signature(cl, id, 0x0403, buf_str(&m), key);
}

/* ---- the tests ---- */

static void
each_has_its_own(void)
{
	struct client a, b, c, nobody;
	struct str id_a, id_b;

	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	join(&c, "smtp/smtp", "");
	join(&nobody, "smtpd/elsewhere", "");
	assert_int_equal(a.held.chains.n, 1);
	assert_int_equal(b.held.chains.n, 1);
	assert_int_equal(c.held.chains.n, 0);
	assert_int_equal(nobody.held.chains.n, 0);
	assert_int_equal(nobody.held.tickets.n, 0);
	id_a = chain_at(&a, 0).key;
	id_b = chain_at(&b, 0).key;
	assert_int_equal(sign(&a, id_a, one), KEYS_OK);
	assert_int_equal(sign(&b, id_b, two), KEYS_OK);
	/* SECURITY: another service's key, and none at all. */
	assert_int_equal(sign(&a, id_b, two), KEYS_NO_KEY);
	assert_int_equal(sign(&c, id_a, one), KEYS_NO_KEY);
	assert_int_equal(sign(&nobody, id_a, one), KEYS_NO_KEY);
	assert_int_equal(sign(&a, STR_NONE, one), KEYS_NO_KEY);
	client_close(&a);
	client_close(&b);
	client_close(&c);
	client_close(&nobody);
}

static void
only_what_tls_signs(void)
{
	BUF_CLEANUP struct buf m = {0};
	struct client a;
	struct str id;

	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	buf_init(&m, KEYS_MESSAGE_MAX);
	/* SECURITY: a digest, the other role, anything. */
	for (size_t n = 0; n < 70; n++) {
		assert_int_equal(
		    ask_signature(&a, id, 0x0403, buf_str(&m), one),
		    KEYS_REFUSED);
		buf_add_char(&m, 'd');
	}
	buf_reset(&m);
	made_message("client", 32, &m);
	assert_int_equal(
	    ask_signature(&a, id, 0x0403, buf_str(&m), one), KEYS_REFUSED);
	buf_reset(&m);
	made_message("server", 32, &m);
	/* Schemes of other keys, of SHA-1, of nothing. */
	for (uint64_t scheme = 0; scheme < 0x0a00; scheme++)
		if (scheme != 0x0403 && scheme != 0x0503 && scheme != 0x0603)
			assert_int_equal(
			    ask_signature(&a, id, scheme, buf_str(&m), one),
			    KEYS_REFUSED);
	client_close(&a);
}

static void
rsa_by_version(void)
{
	BUF_CLEANUP struct buf m = {0};
	const struct keys_source *source = rows[1].sources.p;
	struct keys_file *file = source->files.p, was = *file;
	struct client b;
	struct str id;

	write_chain("rsa", rsa, rsa, MADE_DAY);
	file->path = str_c(path_of("rsa"));
	load();
	join(&b, "smtpd/submission", "");
	id = chain_at(&b, 0).key;
	buf_init(&m, 1000);
	made_message("server", 48, &m);
	assert_int_equal(
	    ask_signature(&b, id, 0x0804, buf_str(&m), rsa), KEYS_OK);
	assert_int_equal(
	    ask_signature(&b, id, 0x0401, buf_str(&m), rsa), KEYS_REFUSED);
	buf_reset(&m);
	for (int i = 0; i < 64; i++)
		buf_add_char(&m, (char)i);
	buf_add(&m, "\3\0\35\40", 4); /* x25519 */
	for (int i = 0; i < 32; i++)
		buf_add_char(&m, (char)i);
	assert_int_equal(
	    ask_signature(&b, id, 0x0401, buf_str(&m), rsa), KEYS_OK);
	assert_int_equal(
	    ask_signature(&b, id, 0x0804, buf_str(&m), rsa), KEYS_OK);
	client_close(&b);
	*file = was;
	load();
}

/* A certificate in place of another: told at once, and the old key signs for
 * those who began with it. */
static void
renewal(void)
{
	struct client a, b;
	struct str old;
	struct service *service =
	    services_get(&talks.services, STR("smtpd/smtp"));

	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	old = chain_at(&a, 0).key;
	write_chain("a", two, two, 2 * MADE_DAY);
	load();
	let_run();
	assert_int_equal(a.told, 1);
	assert_int_equal(b.told, 0);
	assert_false(str_eq(chain_at(&a, 0).key, old));
	assert_int_equal(sign(&a, chain_at(&a, 0).key, two), KEYS_OK);
	assert_int_equal(sign(&a, old, one), KEYS_OK);
	/* The same again is no news, and ends nothing. */
	load();
	let_run();
	assert_int_equal(a.told, 1);
	assert_in_range(services_tend(&talks.services, clock_mono()), 1,
	    service->before_until);
	assert_int_equal(service->before.n, 1);
	service->before_until = clock_mono();
	assert_int_equal(sign(&a, old, one), KEYS_NO_KEY);
	/* Nor is it in memory any longer. */
	services_tend(&talks.services, clock_mono());
	assert_int_equal(service->before.n, 0);
	client_close(&a);
	client_close(&b);
	write_chain("a", one, one, MADE_DAY);
	load();
}

static void
what_is_wrong_stays_out(void)
{
	char bytes[KEYS_ID];
	struct str id = {bytes, KEYS_ID};
	struct client a;

	join(&a, "smtpd/smtp", "");
	memcpy(bytes, chain_at(&a, 0).key.p, KEYS_ID);
	write_chain("a", one, two, MADE_DAY); /* does not match */
	load();
	write_chain("a", two, two, -1); /* expired */
	load();
	assert_int_equal(unlink(path_of("a")), 0);
	load();
	let_run();
	assert_int_equal(a.told, 0);
	assert_int_equal(sign(&a, id, one), KEYS_OK);
	client_close(&a);
	join(&a, "smtpd/smtp", "");
	assert_true(str_eq(chain_at(&a, 0).key, id));
	client_close(&a);
	write_chain("a", one, one, MADE_DAY);
	load();
}

static void
so_many_a_second(void)
{
	struct client a;
	struct str id;
	int made = 0;

	rows[0].rate = 20;
	load();
	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	for (int i = 0; i < 100; i++)
		made += sign(&a, id, one) == KEYS_OK;
	assert_true(made >= 20 && made < 100);
	assert_int_equal(sign(&a, id, one), KEYS_BUSY);
	/* Another conversation is no other service. */
	client_close(&a);
	join(&a, "smtpd/smtp", "");
	id = chain_at(&a, 0).key;
	assert_int_equal(sign(&a, id, one), KEYS_BUSY);
	client_close(&a);
	rows[0].rate = 0;
	load();
}

static void
tickets(void)
{
	struct client a, same, bound, b;

	join(&a, "smtpd/smtp", "x");
	join(&same, "smtpd/smtp", "x");
	join(&bound, "smtpd/smtp", "y");
	join(&b, "smtpd/submission", "x");
	assert_int_equal(a.held.ticket_life, HOUR);
	assert_true(str_eq(ticket_at(&a, 0), ticket_at(&same, 0)));
	assert_false(str_eq(ticket_at(&a, 0), ticket_at(&bound, 0)));
	assert_false(str_eq(ticket_at(&a, 0), ticket_at(&b, 0)));
	client_close(&a);
	client_close(&same);
	client_close(&bound);
	client_close(&b);
}

static size_t
find(struct client *cl, const char *name, enum find expected,
    struct keys_chain *ret, struct arena *a)
{
	struct keys_find q = {.name = str_c(name)};
	const struct keys_has *has;
	struct parcel p;
	size_t n;

	call(cl, KEYS_FIND, &q, KEYS_HAS, &p);
	has = p.value;
	assert_int_equal(has->find, expected);
	n = has->chains.n;
	if (n > 0)
		ret->key = arena_str(
		    a, ((const struct keys_chain *)has->chains.p)->key);
	parcel_done(&p);
	return n;
}

static void
server_names(void)
{
	BUF_CLEANUP struct buf table = {0};
	struct client a, b;
	struct keys_chain chain = {0};

	write_chain("two", two, two, MADE_DAY);
	buf_init(&table, 10000);
	buf_addf(&table,
	    "inline:{ {one.test = %s} {.two.test = %s, %s} "
	    "{bad.test = /nonexistent} {worse.test = rubbish!} }",
	    path_of("a"), path_of("two"), path_of("a"));
	rows[0].names = buf_str(&table);
	load();
	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	assert_int_equal(a.held.has_names, 1);
	assert_int_equal(b.held.has_names, 0);
	assert_int_equal(find(&a, "One.Test", FIND_YES, &chain, &a.arena), 1);
	assert_int_equal(sign(&a, chain.key, one), KEYS_OK);
	assert_int_equal(
	    find(&a, "x.y.two.test", FIND_YES, &chain, &a.arena), 2);
	assert_int_equal(sign(&a, chain.key, two), KEYS_OK);
	assert_int_equal(find(&a, "two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(find(&a, "", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(find(&a, ".two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "a b.two.test", FIND_NO, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "bad.test", FIND_BROKEN, &chain, &a.arena), 0);
	assert_int_equal(
	    find(&a, "worse.test", FIND_BROKEN, &chain, &a.arena), 0);
	assert_int_equal(find(&b, "one.test", FIND_NO, &chain, &b.arena), 0);
	/* Renewed; then spoiled, and the old one stays. */
	write_chain("two", rsa, rsa, MADE_DAY);
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	load();
	let_run();
	assert_int_equal(a.told, 1);
	chain.key = STR_NONE;
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	write_chain("two", rsa, one, MADE_DAY);
	load();
	assert_int_equal(find(&a, "x.two.test", FIND_YES, &chain, &a.arena), 2);
	rows[0].names = STR_NONE;
	load();
	client_close(&a);
	client_close(&b);
}

/* A key of a table that is gone signs for those who began with it. */
static void
names_have_their_time(void)
{
	BUF_CLEANUP struct buf table = {0};
	struct names *n = names_new();
	struct chain_list l;
	struct str id;

	buf_init(&table, 1000);
	buf_addf(&table, "inline:{ {one.test = %s} }", path_of("a"));
	names_renew(n, &dict_env_tool, buf_str(&table), 1);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &l), FIND_YES);
	id = str_n((const char *)l.at[0]->id, KEYS_ID);
	assert_non_null(names_find_key(n, id, 1 + 2 * KEYS_AFTER));
	names_renew(n, &dict_env_tool, STR_NONE, 10);
	assert_int_equal(
	    names_find(n, STR("one.test"), MADE_NOW, &(struct chain_list){0}),
	    FIND_NO);
	assert_non_null(names_find_key(n, id, 10 + KEYS_AFTER - 1));
	assert_null(names_find_key(n, id, 10 + KEYS_AFTER));
	chain_list_done(&l);
	names_free(&n);
}

/* SECURITY: who says what only keys says is not talked with.  A signature may
 * be asked for on a conversation that has only begun: the one before broke. */
static void
out_of_turn(void)
{
	struct keys_held held = {0};
	struct keys_join again = {0};
	char bytes[KEYS_ID];
	struct client a;
	struct parcel p;

	join(&a, "smtpd/smtp", "");
	memcpy(bytes, chain_at(&a, 0).key.p, KEYS_ID);
	call(&a, KEYS_JOIN, &again, KEYS_HELD, &p);
	parcel_done(&p);
	client_close(&a);
	client_open(&a, "smtpd/smtp");
	assert_int_equal(sign(&a, str_n(bytes, KEYS_ID), one), KEYS_OK);
	chan_send(a.chan, KEYS_HELD, 1, &held, NULL, 0);
	let_run();
	assert_true(a.is_closed);
	client_close(&a);
}

/* Without any certificate a server has its own, a client none. */
static void
its_own(void)
{
	struct keys_service was = rows[0];
	struct client a, b, c;

	rows[0].sources.n = 0;
	rows[0].own = rows[1].own = 1;
	load();
	join(&a, "smtpd/smtp", "");
	join(&b, "smtpd/submission", "");
	join(&c, "smtp/smtp", "");
	assert_int_equal(a.held.chains.n, 1);
	assert_int_equal(c.held.chains.n, 0);
	assert_false(str_eq(chain_at(&a, 0).key, chain_at(&b, 0).key));
	assert_int_equal(
	    sign(&a, chain_at(&a, 0).key, talks.services.own.at[0]->key),
	    KEYS_OK);
	client_close(&a);
	client_close(&b);
	client_close(&c);
	rows[0] = was;
	load();
}

static void
run_all(void *arg)
{
	(void)arg;
	load();
	each_has_its_own();
	only_what_tls_signs();
	rsa_by_version();
	renewal();
	what_is_wrong_stays_out();
	so_many_a_second();
	tickets();
	server_names();
	names_have_their_time();
	out_of_turn();
	its_own();
	let_run();
	assert_null(LIST_FIRST(&talks.open));
	loop_stop();
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
conversations(void **state)
{
	struct keys_source sources[2] = {0};
	struct keys_file files[2];

	(void)state;
	assert_non_null(mkdtemp(dir));
	one = EVP_EC_gen("P-256");
	two = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(2048);
	write_chain("a", one, one, MADE_DAY);
	write_chain("b", two, two, MADE_DAY);
	rows[0] = (struct keys_service){
	    .client = STR("smtpd/smtp"),
	    .sources = source_of("a", &sources[0], &files[0]),
	    .ticket_life = HOUR,
	};
	rows[1] = (struct keys_service){
	    .client = STR("smtpd/submission"),
	    .sources = source_of("b", &sources[1], &files[1]),
	    .ticket_life = HOUR,
	};
	rows[2] = (struct keys_service){
	    .client = STR("smtp/smtp"), .role = KEYS_CLIENT};
	assert_int_equal(loop_init(), 0);
	talks_init(&talks);
	task_start(run_all, NULL);
	loop_run();
	services_done(&talks.services);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	EVP_PKEY_free(rsa);
	for (int i = 0; i < 2; i++)
		free((void *)(uintptr_t)files[i].path.p);
}

static int
take_away(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(conversations, take_away),
};

TAP_RUN(tests)
