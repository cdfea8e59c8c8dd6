/* SPDX-License-Identifier: ISC */
/* The certificate that a host makes for itself: made once. */
#include "tap.h"

#include "own.h"

#include "base/log.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW ((time_t)1800000000)
#define DAY (24L * 60 * 60)

static int
new_file(void)
{
	char name[] = "/var/tmp/valija-own-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(name);
	return fd;
}

static X509 *
cert_of(const struct chain_list *l)
{
	BIO *bio = BIO_new_mem_buf(l->at[0]->pem.p, (int)l->at[0]->pem.len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static void
open_own(int fd, time_t now, struct chain_list *ret)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	*ret = (struct chain_list){0};
	assert_int_equal(own_open(fd, STR("mx.here.test"), now, ret, &why), 0);
	assert_int_equal(ret->n, 1);
}

static void
what_it_is(void **state)
{
	struct chain_list l;
	int day, second;
	char curve[40];
	X509 *x;

	(void)state;
	open_own(-1, NOW, &l);
	x = cert_of(&l);
	assert_int_equal(X509_check_host(x, "mx.here.test", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "here.test", 0, 0, NULL), 0);
	assert_int_equal(X509_verify(x, l.at[0]->key), 1);
	assert_true(
	    EVP_PKEY_get_group_name(l.at[0]->key, curve, sizeof(curve), NULL));
	assert_string_equal(curve, "prime256v1");
	assert_true(ASN1_TIME_diff(
	    &day, &second, X509_get0_notBefore(x), X509_get0_notAfter(x)));
	assert_true(day >= 3652 && day <= 3654);
	assert_int_equal(X509_check_ca(x), 0);
	X509_free(x);
	chain_list_done(&l);
}

static void
it_is_made_once(void **state)
{
	struct chain_list first, again;
	int fd = new_file();

	(void)state;
	open_own(fd, NOW, &first);
	open_own(fd, NOW + 1000 * DAY, &again);
	assert_true(chain_list_eq(&first, &again));
	chain_list_done(&again);
	/* Its time is over. */
	open_own(fd, NOW + 4000 * DAY, &again);
	assert_false(chain_list_eq(&first, &again));
	chain_list_done(&first);
	open_own(fd, NOW + 4001 * DAY, &first);
	assert_true(chain_list_eq(&first, &again));
	chain_list_done(&first);
	chain_list_done(&again);
	close(fd);
}

/* Whatever a crash left is written over. */
static void
half_a_file(void **state)
{
	struct chain_list first, again;
	int fd = new_file();
	off_t size;

	(void)state;
	open_own(fd, NOW, &first);
	size = lseek(fd, 0, SEEK_END);
	for (off_t n = 2; n < size; n += 97) {
		assert_int_equal(ftruncate(fd, size - n), 0);
		open_own(fd, NOW, &again);
		assert_false(chain_list_eq(&first, &again));
		chain_list_done(&again);
	}
	chain_list_done(&first);
	/* And what was longer. */
	assert_int_equal(pwrite(fd, "x", 1, 60000), 1);
	open_own(fd, NOW, &first);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	chain_list_done(&first);
	open_own(fd, NOW, &first);
	open_own(fd, NOW, &again);
	assert_true(chain_list_eq(&first, &again));
	chain_list_done(&first);
	chain_list_done(&again);
	close(fd);
}

/* It works without being kept, and says so. */
static void
it_cannot_be_kept(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), file = new_file();
	BUF_CLEANUP struct buf why = {0};
	struct chain_list l = {0};
	char path[40];

	(void)state;
	buf_init(&why, 1000);
	assert_true(own_open(fd, STR("mx.here.test"), NOW, &l, &why) < 0);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	open_own(fd, NOW, &l);
	chain_list_done(&l);
	close(fd);
	close(file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_it_is),
    cmocka_unit_test(it_is_made_once),
    cmocka_unit_test(half_a_file),
    cmocka_unit_test(it_cannot_be_kept),
};

TAP_RUN(tests)
