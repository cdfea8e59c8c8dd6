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
	unsigned waiters;
	unsigned leavers; /* among them, whose place another has */
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

/* ---- places ---- */

static unsigned
stayers(const struct turn *turn)
{
	return turn->waiters - turn->leavers;
}

/* One of the address that has the most, if that is more than `n`. */
static bool
take_from_longest(struct turns *t, unsigned n)
{
	struct turn *longest = NULL;

	MAP_FOREACH (slot, &t->addresses) {
		struct turn *turn = slot->value;

		if (longest == NULL || stayers(turn) > stayers(longest))
			longest = turn;
	}
	if (longest == NULL || stayers(longest) <= n)
		return false;
	longest->leavers++;
	t->count--;
	task_wake_one(&longest->waiting);
	return true;
}

/* `turn` is NULL where the address has none yet, or needs none. */
static bool
take_place(struct turns *t, const struct turn *turn)
{
	if (turn != NULL && turn->users >= TURNS_ADDRESS_MAX)
		return false;
	if (t->count >= TURNS_MAX &&
	    !take_from_longest(t, turn == NULL ? 1 : stayers(turn) + 1))
		return false;
	t->count++;
	return true;
}

/* ---- turns ---- */

static int
wait_for(struct turn *turn)
{
	int r = 0;

	while (r == 0 && turn->leavers == 0 &&
	       (turn->is_taken || turn->not_before > clock_mono()))
		r = turn->is_taken ? task_wait(&turn->waiting, CLOCK_NEVER)
		                   : task_sleep(turn->not_before);
	return r;
}

/* The place is ours; if we fail, it is nobody's, or another has it already. */
static int
enter(struct turn *turn)
{
	int r;

	turn->waiters++;
	r = wait_for(turn);
	turn->waiters--;
	if (turn->leavers > 0) {
		turn->leavers--;
		r = -EBUSY;
	} else if (r < 0) {
		turn->turns->count--;
	} else {
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
	bool has_turn = name_of(address, name);
	struct turn *turn = NULL;

	if (has_turn)
		turn = map_get(&t->addresses, str_c(name));
	if (!take_place(t, turn))
		return -EBUSY;
	if (!has_turn)
		return 0;
	turn = get_turn(t, name);
	turn->users++;
	return enter(turn);
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
