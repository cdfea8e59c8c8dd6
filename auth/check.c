/* SPDX-License-Identifier: ISC */
/* check - the order of work, and the child that does it. */
#include "check.h"

#include "system.h"

#include "base/forked.h"
#include "base/log.h"
#include "base/task.h"
#include "mail/password.h"
#include "mail/saslprep.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define CHECK_TIME (30 * CLOCK_SEC)
#define ARENA_MAX  (256 * 1024)

struct job {
	const struct users *users;
	const struct secrets *secrets;
	struct str password;
};

static struct {
	unsigned running, places;
	struct task_queue free;
} room = {.free = TASK_QUEUE_INIT(room.free)};

/* How many slow hashes were made is added to *slow. */
static bool
check_bytes(const struct users *u, const struct secrets *s, struct str password,
    size_t *slow)
{
	struct secret dummy = users_dummy(u);
	bool is_right = false;
	size_t n = 0;

	for (size_t i = 0; i < s->n && !is_right; i++) {
		if (!secrets_counts(s, i) || password_is_locked_in(s, i))
			continue;
		is_right = password_matches(&s->list[i], password);
		n += password_is_slow(&s->list[i]);
	}
	for (; !is_right && n < users_cost(u); n++)
		(void)password_matches(&dummy, password);
	*slow += n;
	return is_right;
}

/* Our hashes are of what is prepared; those made elsewhere may be of what was
 * typed. */
bool
check_password(const struct users *u, const struct secrets *s,
    struct str password, struct check_work *ret)
{
	BUF_CLEANUP struct buf prepared = {0};

	ret->slow = 0;
	buf_init_secret(&prepared, PASSWORD_MAX);
	if (saslprep_or_same(password, &prepared) == 0 &&
	    !str_eq(buf_str(&prepared), password) &&
	    check_bytes(u, s, buf_str(&prepared), &ret->slow))
		return true;
	return check_bytes(u, s, password, &ret->slow);
}

static uint8_t
compute(void *arg)
{
	const struct job *j = arg;
	struct check_work work;

	return check_password(j->users, j->secrets, j->password, &work);
}

static unsigned
count_processors(void)
{
	cpu_set_t set;
	int n =
	    sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

	return n < 1 ? 1 : n > CHECK_AT_ONCE ? CHECK_AT_ONCE : (unsigned)n;
}

static int
take_place(void)
{
	int r = 0;

	if (room.places == 0)
		room.places = count_processors();
	while (r == 0 && room.running >= room.places)
		r = task_wait(&room.free, CLOCK_NEVER);
	if (r == 0)
		room.running++;
	return r;
}

static void
give_place(void)
{
	room.running--;
	task_wake_one(&room.free);
}

static int
compute_apart(struct job *j)
{
	int r = take_place();

	if (r == 0) {
		r = forked_run(compute, j, clock_after(CHECK_TIME));
		give_place();
	}
	if (r < 0)
		log_warning("a password cannot be checked: %s", strerror(-r));
	return r;
}

enum verdict
check_run(struct users *users, struct str name, struct str password,
    struct str address)
{
	ARENA_CLEANUP struct arena a = {0};
	struct users *u = users_ref(users);
	struct secrets secrets;
	struct job job = {u, &secrets, password};
	enum find found;
	int r;

	arena_init(&a, ARENA_MAX);
	found = users_find(u, name, &a, &secrets);
	r = found == FIND_RETRY || found == FIND_BROKEN ? -EAGAIN
	                                                : compute_apart(&job);
	users_unref(&u);
	if (r < 0)
		return VERDICT_RETRY;
	if (r == 1)
		return VERDICT_OK;
	/* SECURITY: whoever was named, both have been asked. */
	if (system_is_used())
		return system_check(name, password, address);
	return found == FIND_YES ? VERDICT_WRONG : VERDICT_NO_USER;
}
