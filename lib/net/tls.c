/* SPDX-License-Identifier: ISC */
/*
 * tls - the layer below a stream: an SSL whose BIO is the stream's io, so
 * that what the library finds empty or full is waited for as by anybody else.
 *
 * The library's queue of errors is the thread's, and shared by all tasks: it
 * is emptied before each call and looked at before the next wait.
 */
#include "net/tls_impl.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The library reads on, within one call, past all that is no data of the
 * peer's (updates of keys, alerts, empty records).
 * SECURITY: so often at most before others have their turns.
 */
#define READS_MAX 2

/* ---- the io as a BIO ---- */

/* It came back with `n` < 0 and errno: is it for another time? */
static int
take_errno(struct tls *t, bool *ready)
{
	if (errno == EAGAIN)
		*ready = false;
	else
		t->error = -errno;
	return errno == EAGAIN;
}

static int
bio_read(BIO *b, char *bytes, int n)
{
	struct stream *s = BIO_get_data(b);
	struct tls *t = tls_below(s);
	struct io *io = &s->io;
	ssize_t got;

	BIO_clear_retry_flags(b);
	if (!io->readable || t->reads == READS_MAX) {
		BIO_set_retry_read(b);
		return -1;
	}
	t->reads++;
	do
		got = read(io->fd, bytes, (size_t)n);
	while (got < 0 && errno == EINTR);
	if (got < 0 && take_errno(t, &io->readable))
		BIO_set_retry_read(b);
	/* As io_read() has it. */
	if (got > 0 && got < n && !io->is_hung_up)
		io->readable = false;
	return (int)got;
}

static int
bio_write(BIO *b, const char *bytes, int n)
{
	struct stream *s = BIO_get_data(b);
	struct io *io = &s->io;
	ssize_t put = -1;

	BIO_clear_retry_flags(b);
	if (io->writable)
		do
			put = write(io->fd, bytes, (size_t)n);
		while (put < 0 && errno == EINTR);
	else
		errno = EAGAIN;
	if (put < 0 && take_errno(tls_below(s), &io->writable))
		BIO_set_retry_write(b);
	if (put >= 0 && put < n)
		io->writable = false;
	return (int)put;
}

/* Nothing is held here, so there is nothing to flush. */
static long
bio_ctrl(BIO *b, int what, long n, void *arg)
{
	(void)b;
	(void)n;
	(void)arg;
	return what == BIO_CTRL_FLUSH;
}

/* Made once, for all. */
static const BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD *m;

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
	if (m == NULL || BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1)
		log_fatal("out of memory for TLS");
	return m;
}

/* ---- calls into the library ---- */

static int
wait_to_read(struct stream *s, const struct tls *t)
{
	if (!s->io.readable || t->reads < READS_MAX)
		return io_wait_read(&s->io, s->deadline);
	return clock_mono() < s->deadline ? task_yield() : -ETIMEDOUT;
}

/*
 * A call came back with `r` <= 0: wait for what it needs (0: call again), or
 * say what is wrong.  The errors stay in the queue.
 */
static int
wait_for_it(struct stream *s, struct tls *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return wait_to_read(s, t);
	case SSL_ERROR_WANT_WRITE:
		return io_wait_write(&s->io, s->deadline);
	case SSL_ERROR_ZERO_RETURN:
		return -ECONNRESET;
	case SSL_ERROR_SYSCALL:
		return t->error < 0 ? t->error : -ECONNRESET;
	default:
		if (ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return -ECONNRESET;
		}
		return -EPROTO;
	}
}

static ssize_t
read_tls(struct stream *s, void *bytes, size_t n)
{
	struct tls *t = tls_below(s);
	int r;

	do {
		size_t got;

		/* Others have their turns also while there is always more. */
		r = s->io.readable ? io_wait_read(&s->io, s->deadline) : 0;
		if (r < 0)
			return r;
		ERR_clear_error();
		t->reads = 0;
		r = SSL_read_ex(t->ssl, bytes, n, &got);
		if (r > 0)
			return (ssize_t)got;
		r = wait_for_it(s, t, r);
	} while (r == 0);
	return r;
}

/* When it ends early (a time-out) the caller comes again with the same bytes,
 * or with more behind them: stream.h. */
static ssize_t
write_tls(struct stream *s, const void *bytes, size_t n)
{
	struct tls *t = tls_below(s);
	int r;

	do {
		size_t put;

		r = s->io.writable ? io_wait_write(&s->io, s->deadline) : 0;
		if (r < 0)
			return r;
		ERR_clear_error();
		t->reads = 0;
		r = SSL_write_ex(t->ssl, bytes, n, &put);
		if (r > 0)
			return (ssize_t)put;
		r = wait_for_it(s, t, r);
	} while (r == 0);
	return r;
}

static bool
has_tls_input(const struct stream *s)
{
	return SSL_has_pending(tls_below(s)->ssl) == 1;
}

static void
shut_tls(struct stream *s)
{
	SSL *ssl = tls_below(s)->ssl;

	ERR_clear_error();
	/* Said twice, it would wait for the peer's. */
	if ((SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) == 0)
		SSL_shutdown(ssl);
}

static void
close_tls(struct stream *s)
{
	struct tls *t = tls_below(s);

	if (s->error == 0)
		shut_tls(s);
	SSL_free(t->ssl);
	tls_info_done(&t->info);
	free(t);
}

static const struct stream_layer layer = {
    .read = read_tls,
    .write = write_tls,
    .has_input = has_tls_input,
    .shut = shut_tls,
    .close = close_tls,
};

struct tls *
tls_below(const struct stream *s)
{
	return s->layer == &layer ? s->below : NULL;
}

/* ---- handshakes ---- */

/* An SSL below the stream, which loses what it has read and not sent. */
static struct tls *
begin(struct stream *s, struct tls_context *c)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *b = BIO_new(bio_method());

	ERR_clear_error();
	if (t == NULL || b == NULL || (t->ssl = SSL_new(c->ctx)) == NULL)
		log_fatal("out of memory for TLS");
	BIO_set_data(b, s);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	stream_set_layer(s, &layer, t);
	return t;
}

static int
shake_hands(struct stream *s, struct tls *t, struct buf *why)
{
	int r;

	do {
		task_idle(); /* a peer may take its time, and pages with it */
		ERR_clear_error();
		t->reads = 0;
		r = SSL_do_handshake(t->ssl);
		if (r > 0) {
			tls_info_fill(&t->info, t->ssl);
			return 0;
		}
		/* A signer that gave up because of it. */
		r = task_is_cancelled() ? -ECANCELED : wait_for_it(s, t, r);
	} while (r == 0);
	if (r == -EPROTO)
		tls_take_errors(why);
	s->error = r;
	return r;
}

int
tls_accept(struct stream *s, struct tls_context *c, struct buf *why)
{
	struct tls *t;

	if (s->error < 0)
		return s->error;
	t = begin(s, c);
	SSL_set_accept_state(t->ssl);
	return shake_hands(s, t, why);
}

/* What this server is asked for, beyond the context; false when it is not
 * understood. */
static bool
set_ask(SSL *ssl, const struct tls_ask *ask)
{
	const struct tls_grade *g = ask->grade;

	if (ask->name != NULL && SSL_set_tlsext_host_name(ssl, ask->name) != 1)
		return false;
	if (ask->session != NULL &&
	    SSL_set_session(ssl, (SSL_SESSION *)ask->session) != 1)
		return false;
	if (g == NULL)
		return true;
	return SSL_set_min_proto_version(
		   ssl, g->min > TLS_1_2 ? g->min : TLS_1_2) == 1 &&
	       SSL_set_max_proto_version(ssl, g->max) == 1 &&
	       (g->ciphers == NULL ||
		   SSL_set_cipher_list(ssl, g->ciphers) == 1);
}

int
tls_connect(struct stream *s, struct tls_context *c, const struct tls_ask *ask,
    struct buf *why)
{
	struct tls *t;

	if (s->error < 0)
		return s->error;
	t = begin(s, c);
	SSL_set_connect_state(t->ssl);
	if (!set_ask(t->ssl, ask)) {
		tls_take_errors(why);
		return s->error = -EINVAL;
	}
	return shake_hands(s, t, why);
}

/* A tls_session is an SSL_SESSION by another name. */
struct tls_session *
tls_session_get(const struct stream *s)
{
	struct tls *t = tls_below(s);
	SSL_SESSION *session;

	if (t == NULL)
		return NULL;
	session = SSL_get0_session(t->ssl);
	if (session == NULL || !SSL_SESSION_is_resumable(session))
		return NULL;
	/* A copy: the library spoils its own when a connection ends badly. */
	return (struct tls_session *)SSL_SESSION_dup(session);
}

void
tls_session_free(struct tls_session **session)
{
	SSL_SESSION_free((SSL_SESSION *)*session);
	*session = NULL;
}
