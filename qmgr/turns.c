/* SPDX-License-Identifier: ISC */
/* turns - a pairing heap: a tree whose parents come before their children. */
#include "turns.h"

static bool
is_before(const struct turn *a, const struct turn *b)
{
	return a->key != b->key ? a->key < b->key : a->number < b->number;
}

/* Two trees, either may be NULL, become one. */
static struct turn *
meld(struct turn *a, struct turn *b)
{
	struct turn *under;

	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	if (is_before(b, a)) {
		under = a;
		a = b;
	} else {
		under = b;
	}
	under->next = a->child;
	if (under->next != NULL)
		under->next->back = under;
	under->back = a;
	a->child = under;
	return a;
}

static struct turn *
pop(struct turn **list)
{
	struct turn *one = *list;

	if (one == NULL)
		return NULL;
	*list = one->next;
	one->next = NULL;
	one->back = NULL;
	return one;
}

/* Brothers become one tree: in pairs, and then the pairs from the last on. */
static struct turn *
meld_all(struct turn *list)
{
	struct turn *pairs = NULL, *all = NULL, *a, *b;

	while ((a = pop(&list)) != NULL) {
		b = pop(&list);
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while ((a = pop(&pairs)) != NULL)
		all = meld(all, a);
	return all;
}

void
turns_put(struct turns *t, struct turn *one, uint64_t key)
{
	*one = (struct turn){.key = key, .number = t->number++};
	t->first = meld(t->first, one);
}

void
turns_take(struct turns *t, struct turn *one)
{
	struct turn *below = meld_all(one->child);

	one->child = NULL;
	if (t->first == one) {
		t->first = below;
		return;
	}
	if (one->back->child == one)
		one->back->child = one->next;
	else
		one->back->next = one->next;
	if (one->next != NULL)
		one->next->back = one->back;
	t->first = meld(t->first, below);
}
