/* SPDX-License-Identifier: ISC */
/* shake - what the handshakes of both versions have in common. */
#include "shake.h"

#include <string.h>
#include <time.h>

struct in
shake_expect(struct conn *c, int type, const char *name)
{
	struct message m = conn_message(c);

	if (m.type != type)
		die("%s is due, and message %d came", name, m.type);
	crypto_add(c->crypto, m.whole.p, m.whole.n);
	return m.body;
}

void
shake_offer(struct out *o)
{
	static const unsigned schemes[] = {
	    0x0403, /* ecdsa_secp256r1_sha256 */
	    0x0807, /* ed25519 */
	    0x0804, /* rsa_pss_rsae_sha256 */
	    0x0401, /* rsa_pkcs1_sha256 */
	};
	size_t ext, list;

	out_number(o, 2, EXT_GROUPS);
	ext = out_open(o, 2);
	list = out_open(o, 2);
	out_number(o, 2, GROUP_X25519);
	out_number(o, 2, GROUP_P256);
	out_close(o, list, 2);
	out_close(o, ext, 2);
	out_number(o, 2, EXT_SIGNATURES);
	ext = out_open(o, 2);
	list = out_open(o, 2);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		out_number(o, 2, schemes[i]);
	out_close(o, list, 2);
	out_close(o, ext, 2);
}

void
shake_check(struct in finished, const unsigned char *must, size_t n)
{
	if (finished.n != n || memcmp(finished.p, must, n) != 0)
		die("the server's Finished is wrong");
}

int64_t
shake_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
