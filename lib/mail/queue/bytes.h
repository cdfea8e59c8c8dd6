/* SPDX-License-Identifier: ISC */
/* bytes - numbers as they stand on disk: little endian, unaligned. */
#ifndef MAIL_QUEUE_BYTES_H
#define MAIL_QUEUE_BYTES_H

#include <stdint.h>

static inline void
bytes_put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline void
bytes_put64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline uint32_t
bytes_get32(const unsigned char *p)
{
	uint32_t v = 0;

	for (int i = 4; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static inline uint64_t
bytes_get64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

#endif
