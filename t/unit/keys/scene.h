/* SPDX-License-Identifier: ISC */
/*
 * scene - a keys at work: two servers' services and a client's, each server's
 * certificate in a file, and conversations with it.
 *
 *	scene_test(tests_in_a_task);	in a cmocka test, scene_remove its
 *teardown join(&a, "smtpd/smtp", ""); assert_int_equal(sign(&a, chain_at(&a,
 *0).key, scene.one), KEYS_OK); client_close(&a);
 */
#ifndef T_KEYS_SCENE_H
#define T_KEYS_SCENE_H

#include "made.h"
#include "tap.h"

#include "talk.h"

#define HOUR 3600

struct scene {
	struct talks talks;
	EVP_PKEY *one, *two, *rsa;
	/* smtpd/smtp by the file "a" (one), smtpd/submission by "b" (two),
	 * smtp/smtp */
	struct keys_service rows[3];
};
extern struct scene scene;

void scene_test(void (*fn)(void));
int scene_remove(void **state); /* its folder */

/* Of a file in the folder; of the last eight calls. */
char *path_of(const char *name);
/* A key and its certificate; `of` is whose certificate it is. */
void write_chain(const char *name, EVP_PKEY *key, EVP_PKEY *of, long to);
/* The configuration, as it is now in ->rows. */
void load(void);
void let_run(void);

struct client {
	struct chan *chan;
	struct keys_held held; /* the last that it was told */
	struct arena arena;
	unsigned told;
	bool is_closed;
};
void client_open(struct client *cl, const char *name);
void client_close(struct client *cl);
void call(struct client *cl, enum keys_kind kind, const void *value,
    enum keys_kind answer, struct parcel *ret);
void join(struct client *cl, const char *name, const char *binding);
struct keys_chain chain_at(const struct client *cl, size_t i);

/* The verdict; an answer that is a signature is one of `key`. */
enum keys_verdict ask_signature(struct client *cl, struct str id,
    uint64_t scheme, struct str message, EVP_PKEY *key);
enum keys_verdict sign(struct client *cl, struct str id, EVP_PKEY *key);

#endif
