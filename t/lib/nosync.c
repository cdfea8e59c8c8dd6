/* SPDX-License-Identifier: ISC */
/*
 * nosync - a disk that lies: every flush succeeds and does nothing.  Preloaded
 * to show that the crash tests would see it.
 */
#define _GNU_SOURCE
#include <unistd.h>

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return 0;
}
