/* SPDX-License-Identifier: ISC */
/*
 * own - is this address one of ours?  Mail for it would come straight back.
 *
 * Ours are the addresses that $inet_interfaces and $proxy_interfaces name;
 * with "all" those of the kernel, which is asked about one address at a time:
 * a datagram socket that is connected to an own address has that address at
 * its near end as well.  (Nothing is sent, and net.ipv4.ip_nonlocal_bind,
 * which makes bind(2) lie, does not matter.)
 */
#ifndef SMTP_OWN_H
#define SMTP_OWN_H

#include "base/serve.h"
#include "base/task.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stddef.h>

#define OWN_MAX 100

struct own {
	bool all; /* whatever the kernel calls local */
	struct ip ips[OWN_MAX];
	size_t n;
};

/*
 * Read the lists; host names in them are looked up, so this waits, in a task.
 * A name that is not found is left out and logged.
 */
void own_read(struct own *o, struct str inet_interfaces,
    struct str proxy_interfaces, struct link *lookup);

bool own_has(const struct own *o, const struct ip *ip);

#endif
