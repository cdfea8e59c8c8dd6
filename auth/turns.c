/* SPDX-License-Identifier: ISC */
/* turns - a queue an address, which is forgotten when nobody needs it. */
#include "turns.h"

#include "base/log.h"
#include "base/task.h"
#include "net/ip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct turn {
	struct turns *turns;
	char name[IP_TEXT_MAX];
	unsigned users; /* who have it, wait for it, or remember a failure */
	bool is_taken;
	int64_t not_before;
	struct task_queue waiting;
};

void
turns_init(struct turns *t, int64_t delay)
{
	*t = (struct turns){.delay = delay};
	map_init(&t->addresses);
}

/* SECURITY: a customer has a /64 of IPv6 addresses: it is one address. */
static bool
name_of(struct str address, char ret[IP_TEXT_MAX])
{
	struct ip ip;

	if (ip_parse(address, &ip) < 0 || ip_is_loopback(&ip))
		return false;
	if (ip.family == 6)
		memset(ip.b + 8, 0, 8);
	ip_format(&ip, ret);
	return true;
}

static struct turn *
get_turn(struct turns *t, const char *name)
{
	struct turn *turn = map_get(&t->addresses, str_c(name));

	if (turn != NULL)
		return turn;
	turn = calloc(1, sizeof(*turn));
	if (turn == NULL)
		log_fatal("out of memory for a turn");
	turn->turns = t;
	memcpy(turn->name, name, strlen(name));
	task_queue_init(&turn->waiting);
	map_put(&t->addresses, str_c(turn->name), turn);
	return turn;
}

static void
release(struct turn *turn)
{
	if (--turn->users > 0)
		return;
	map_del(&turn->turns->addresses, str_c(turn->name));
	free(turn);
}

static int
take(struct turn *turn)
{
	int r = 0;

	while (r == 0 && (turn->is_taken || turn->not_before > clock_mono()))
		r = turn->is_taken ? task_wait(&turn->waiting, CLOCK_NEVER)
		                   : task_sleep(turn->not_before);
	return r;
}

static int
enter(struct turn *turn)
{
	int r;

	if (turn->users >= TURNS_ADDRESS_MAX)
		return -EBUSY;
	turn->users++;
	r = take(turn);
	if (r == 0) {
		turn->is_taken = true;
		return 0;
	}
	task_wake_one(&turn->waiting);
	release(turn);
	return r;
}

int
turns_enter(struct turns *t, struct str address)
{
	char name[IP_TEXT_MAX];
	int r = 0;

	if (t->count >= TURNS_MAX)
		return -EBUSY;
	t->count++;
	if (name_of(address, name))
		r = enter(get_turn(t, name));
	if (r < 0)
		t->count--;
	return r;
}

static void
remember(void *arg)
{
	struct turn *turn = arg;

	task_sleep(turn->not_before);
	release(turn);
}

void
turns_leave(struct turns *t, struct str address, bool has_failed)
{
	char name[IP_TEXT_MAX];
	struct turn *turn;

	t->count--;
	if (!name_of(address, name))
		return;
	turn = map_get(&t->addresses, str_c(name));
	turn->is_taken = false;
	task_wake_one(&turn->waiting);
	if (has_failed && t->delay > 0) {
		turn->not_before = clock_after(t->delay);
		task_start(remember, turn);
	} else {
		release(turn);
	}
}
